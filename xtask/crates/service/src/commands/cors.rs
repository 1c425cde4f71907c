//! `cargo xtask e2e cors`: pages of other origins call the API in a real Chromium.
//!
//! What a browser makes of the header fields decides, not what they say: the same calls are made by a page of an allowed
//! origin and by one of another.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::chromium::Chromium;
use roster_dev::local_roster::LocalRoster;
use xtask::interrupt;

/// What a page does: every call of the API that it makes, as an array of what it could read.
const CALLS: &str = r#"
(async () => {
  const api = ROSTER, token = TOKEN;
  const seen = [];
  const call = async (name, method, path, headers, body) => {
    try {
      const response = await fetch(api + path, {
        method, body, headers: { Authorization: `Bearer ${token}`, ...headers },
      });
      const text = await response.text();
      const document = text ? JSON.parse(text) : null;
      seen.push({
        name, status: response.status, etag: response.headers.get("ETag"),
        location: response.headers.get("Location"), link: response.headers.get("Link"),
        id: response.headers.get("X-Request-Id"), challenge: response.headers.get("WWW-Authenticate"), document,
      });
      return seen.at(-1);
    } catch (error) {
      seen.push({ name, blocked: String(error) });
      return {};
    }
  };
  const json = { "Content-Type": "application/json" };
  const user = (name) => JSON.stringify({ email: `${name}@cors.example`, name });
  const created = await call("create", "POST", "/v1/users", { ...json, "Idempotency-Key": "cors-1", "X-Request-Id": "cors-1" }, user("ada"));
  await call("create another", "POST", "/v1/users", json, user("bob"));
  const at = created.location ?? "/v1/users/none";
  const read = await call("read", "GET", at, {});
  const tag = { "If-Match": read.etag ?? '"none"' };
  const patch = { "Content-Type": "application/merge-patch+json", ...tag };
  await call("patch", "PATCH", at, patch, '{"title":"Analyst"}');
  await call("patch a version that is gone", "PATCH", at, patch, '{"title":"Countess"}');
  await call("list", "GET", "/v1/users?limit=1", {});
  await call("query", "QUERY", "/v1/users", json, '{"email":"ada@cors.example"}');
  await call("create again", "POST", "/v1/users", json, user("ada"));
  await call("an unknown path", "GET", "/v1/nowhere", {});
  await call("a body that is too large", "POST", "/v1/users", json, JSON.stringify({ name: "x".repeat(70000) }));
  await call("without a token", "GET", "/v1/users", { Authorization: "Bearer none" });
  await call("delete", "DELETE", at, {});
  await call("read a deleted user", "GET", at, {});
  return seen;
})()
"#;

pub(crate) fn run() -> Result<()> {
    interrupt::watch()?;
    // Checked first: without a browser, nothing needs to be built.
    let mut browser = Chromium::start()?;
    let (allowed, other) = (serve_page()?, serve_page()?);
    let origin = |page: SocketAddr| format!("http://{page}");
    let flags = ["--cors-origin".to_owned(), origin(allowed)];
    let roster = LocalRoster::start_with("cargo xtask e2e cors", Path::new("target/e2e"), &flags)?;
    let calls = CALLS
        .replace("ROSTER", &json!(roster.url()).to_string())
        .replace("TOKEN", &json!(roster.token()).to_string());
    // The other one first: it must not have created anything.
    let mut seen_from = |page: SocketAddr| {
        browser.open(&origin(page))?;
        browser.wait_until(
            "the page",
            &format!("location.origin === {}", json!(origin(page))),
        )?;
        let seen = browser.evaluate(&calls)?;
        seen.as_array()
            .cloned()
            .context("the page returned no list")
    };
    let blocked = seen_from(other)?;
    for call in &blocked {
        ensure!(
            call["blocked"].is_string(),
            "a page of another origin could read {call}"
        );
    }
    let seen = seen_from(allowed)?;
    ensure!(
        seen.len() == blocked.len(),
        "not every call was made: {seen:?}"
    );
    check(&seen)?;
    roster.demand_clean_log()?;
    printing::println!(
        "CORS: the page of {} made {} calls and read every response; of {}, none",
        origin(allowed),
        seen.len(),
        origin(other)
    );
    Ok(())
}

/// What the page of the allowed origin must have read.
fn check(seen: &[Value]) -> Result<()> {
    let expected = [
        ("create", 201, ""),
        ("create another", 201, ""),
        ("read", 200, ""),
        ("patch", 200, ""),
        ("patch a version that is gone", 412, "precondition-failed"),
        ("list", 200, ""),
        ("query", 200, ""),
        ("create again", 409, "email-taken"),
        ("an unknown path", 404, "not-found"),
        ("a body that is too large", 413, "content-too-large"),
        ("without a token", 401, "unauthorized"),
        ("delete", 204, ""),
        ("read a deleted user", 404, "user-not-found"),
    ];
    for (call, (name, status, slug)) in seen.iter().zip(expected) {
        ensure!(
            call["name"] == name && call["status"] == status,
            "{name}: {call}"
        );
        ensure!(
            call["id"].is_string(),
            "{name}: X-Request-Id cannot be read: {call}"
        );
        if !slug.is_empty() {
            let kind = format!("/problems/{slug}");
            ensure!(call["document"]["type"] == kind, "{name}: {call}");
        }
    }
    for (at, field) in [
        (0, "location"),
        (0, "etag"),
        (2, "etag"),
        (3, "etag"),
        (5, "link"),
        (10, "challenge"),
    ] {
        ensure!(
            seen[at][field].is_string(),
            "{field} cannot be read: {}",
            seen[at]
        );
    }
    ensure!(
        seen[0]["id"] == "cors-1",
        "the page's own X-Request-Id: {}",
        seen[0]
    );
    ensure!(
        seen[2]["etag"] == seen[0]["etag"],
        "the tag changed: {}",
        seen[2]
    );
    Ok(())
}

/// Serves an empty page on a free port until the program ends.
fn serve_page() -> Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").context("cannot listen for the browser")?;
    let address = listener.local_addr()?;
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let mut head = [0; 4096];
            let _ = stream.read(&mut head);
            let page = "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 15\r\nconnection: close\r\n\r\n<!doctype html>";
            let _ = stream.write_all(page.as_bytes());
        }
    });
    Ok(address)
}
