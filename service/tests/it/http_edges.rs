//! What HTTP itself asks of a server, where clients and proxies differ: spoken in bytes where a client would tidy up.

use crate::test_app::{JSON, TestApp, path};
use serde_json::json;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// What takes as long hangs.
const HANGING: Duration = Duration::from_secs(30);

/// Sends bytes that end with a request to close, and reads every answer.
async fn exchange(app: &TestApp, bytes: &str) -> String {
    let mut stream = TcpStream::connect(app.address).await.unwrap();
    stream.write_all(bytes.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let _ = timeout(HANGING, stream.read_to_end(&mut answer))
        .await
        .expect("the connection is closed");
    String::from_utf8(answer).unwrap()
}

/// The statuses of all answers on a connection.
fn statuses(answers: &str) -> Vec<&str> {
    let heads = answers.split("HTTP/1.").skip(1);
    heads.map(|head| &head[2..5]).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn http_1_1_needs_exactly_one_host() {
    let app = TestApp::start().await;
    for (request, status) in [
        ("GET / HTTP/1.1\r\n", "400"),
        ("GET / HTTP/1.1\r\nhost: a\r\nhost: b\r\n", "400"),
        ("GET / HTTP/1.0\r\nhost: a\r\nhost: b\r\n", "400"),
        ("GET / HTTP/1.1\r\nhost: a\r\n", "200"),
        ("GET http://a/ HTTP/1.1\r\nhost: a\r\n", "200"),
        ("GET / HTTP/1.0\r\n", "200"),
        ("GET / HTTP/1.1\r\nhost:\r\n", "200"),
        ("GET / HTTP/1.1\r\nhost: a.example.com:8080\r\n", "200"),
        ("GET / HTTP/1.1\r\nhost: [2001:db8::1]:80\r\n", "200"),
        ("GET / HTTP/1.1\r\nhost: a_b%20c!\r\n", "200"),
        ("GET / HTTP/1.1\r\nhost: a b\r\n", "400"),
        ("GET / HTTP/1.1\r\nhost: a,b\r\n", "400"),
        ("GET / HTTP/1.1\r\nhost: me@a\r\n", "400"),
        ("GET / HTTP/1.1\r\nhost: a/b\r\n", "400"),
        ("GET / HTTP/1.1\r\nhost: a:x\r\n", "400"),
        ("GET / HTTP/1.1\r\nhost: a:99999\r\n", "400"),
        ("GET / HTTP/1.1\r\nhost: a:1:2\r\n", "400"),
        ("GET / HTTP/1.1\r\nhost: [::1\r\n", "400"),
        ("GET / HTTP/1.1\r\nhost: [x]\r\n", "400"),
        ("GET / HTTP/1.1\r\nhost: a%2\r\n", "400"),
        ("GET / HTTP/1.1\r\nhost: \u{e9}\r\n", "400"),
    ] {
        let answer = exchange(&app, &format!("{request}connection: close\r\n\r\n")).await;
        assert_eq!(statuses(&answer), [status], "{request:?}: {answer}");
        assert_eq!(
            answer.contains("/problems/malformed-request"),
            status == "400"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_in_a_content_coding_is_refused_with_what_is_taken() {
    let app = TestApp::start().await;
    let body = json!({"email": "a@example.com", "name": "A"}).to_string();
    let coded = |coding| [JSON[0], ("content-encoding", coding)];
    let refused = app.send("POST", "/v1/users", &coded("gzip"), &body).await;
    assert_eq!(
        (
            refused.problem().as_str(),
            refused.header("accept-encoding")
        ),
        ("unsupported-media-type", "identity")
    );
    let plain = coded("identity");
    assert_eq!(
        app.send("POST", "/v1/users", &plain, &body).await.status,
        201
    );
    let twice = [JSON[0], ("content-type", "text/plain")];
    assert_eq!(
        app.send("POST", "/v1/users", &twice, &body).await.problem(),
        "unsupported-media-type"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn only_reads_with_a_tag_may_be_kept() {
    let app = TestApp::start().await;
    let body = json!({"email": "a@example.com", "name": "A"});
    let created = app.create(&body).await;
    let at = path(&created.json());
    let put = app.send("PUT", &at, JSON, &body.to_string()).await;
    let patched = app.send("PATCH", &at, JSON, "{\"name\":\"B\"}").await;
    let list = app.get("/v1/users").await;
    for answer in [&created, &put, &patched, &list] {
        assert_eq!(answer.header("cache-control"), "no-store", "{answer:?}");
    }
    let tag = patched.header("etag").to_owned();
    for headers in [&[][..], &[("if-none-match", tag.as_str())]] {
        let read = app.send("GET", &at, headers, "").await;
        assert_eq!(read.header("cache-control"), "private, no-cache");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn head_and_options_are_known_wherever_get_is() {
    let app = TestApp::start().await;
    let user = app
        .created(&json!({"email": "a@example.com", "name": "A"}))
        .await;
    for at in [
        "/",
        "/v1/users",
        "/v1/users/changes",
        &path(&user),
        "/openapi.json",
        "/docs/index.html",
        "/problems/internal",
        "/.well-known/jwks.json",
    ] {
        let get = app.get(at).await;
        let head = app.send("HEAD", at, &[], "").await;
        assert_eq!((head.status, head.body.len()), (get.status, 0), "{at}");
        for name in ["content-length", "content-type", "etag"] {
            assert_eq!(head.header(name), get.header(name), "{name} of {at}");
        }
        let options = app.send("OPTIONS", at, &[], "").await;
        assert_eq!(options.status, 204, "{at}");
        assert!(options.header("allow").starts_with("GET, HEAD, "), "{at}");
    }
    let unknown = app.send("FROB", &path(&user), &[], "").await;
    assert_eq!(
        (unknown.problem().as_str(), unknown.header("allow")),
        (
            "method-not-allowed",
            "GET, HEAD, PUT, PATCH, DELETE, OPTIONS"
        )
    );
    assert_eq!(app.get(&path(&user)).await.json(), user);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_asks_first_is_told_to_go_on_or_refused_at_once() {
    let app = TestApp::start().await;
    let body = json!({"email": "a@example.com", "name": "A"}).to_string();
    let ask = |target: &str, length: usize| {
        format!(
            "POST {target} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/json\r\nexpect: 100-continue\r\ncontent-length: {length}\r\n\r\n"
        )
    };
    let taken = exchange(&app, &(ask("/v1/users", body.len()) + &body)).await;
    assert!(statuses(&taken).ends_with(&["201"]), "{taken}");
    for (target, length, status) in [("/nowhere", 9, "404"), ("/v1/users", 70_000, "413")] {
        let mut stream = TcpStream::connect(app.address).await.unwrap();
        let head = ask(target, length);
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert_eq!(statuses(&answer), [status], "{answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_in_chunks_may_have_trailers_and_its_end_is_never_guessed() {
    let app = TestApp::start().await;
    let request = |framing: &str, name: &str, rest: &str| {
        let body = json!({"email": format!("{name}@example.com"), "name": "A"}).to_string();
        format!(
            "POST /v1/users HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/json\r\n{framing}\r\n{:x}\r\n{body}\r\n0\r\n{rest}\r\n",
            body.len()
        )
    };
    let chunked = "transfer-encoding: chunked\r\n";
    let trailers = exchange(&app, &request(chunked, "a", "x-sum: 1\r\n")).await;
    assert_eq!(statuses(&trailers), ["201"], "{trailers}");
    let endless = request(chunked, "b", &"x-sum: 1\r\n".repeat(20_000));
    assert_eq!(statuses(&exchange(&app, &endless).await), ["400"]);
    // Two lengths: chunks decide, and nothing that follows on the connection is taken for a request.
    let smuggled = "\r\nDELETE /v1/users HTTP/1.1\r\nhost: x\r\n";
    for framing in [
        "content-length: 5\r\ntransfer-encoding: chunked\r\n",
        "transfer-encoding: chunked\r\ncontent-length: 5\r\n",
    ] {
        let name = if framing.starts_with('c') { "c" } else { "d" };
        let answer = exchange(&app, &request(framing, name, smuggled)).await;
        assert_eq!(statuses(&answer), ["201"], "{answer}");
        assert!(answer.contains("connection: close"), "{answer}");
    }
    for framing in [
        "content-length: 5\r\ncontent-length: 6\r\n",
        "content-length: +5\r\n",
        "transfer-encoding: gzip\r\n",
    ] {
        let answer = exchange(&app, &request(framing, "e", "")).await;
        assert_eq!(statuses(&answer), ["400"], "{framing}: {answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_goes_on_after_a_body_in_chunks() {
    let app = TestApp::start().await;
    let request = |fields: &str, name: &str| {
        let body = json!({"email": format!("{name}@example.com"), "name": "A"}).to_string();
        format!(
            "POST /v1/users HTTP/1.1\r\nhost: x\r\n{fields}content-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n{:x}\r\n{body}\r\n0\r\n\r\n",
            body.len()
        )
    };
    for expect in ["", "expect: 100-continue\r\n"] {
        let number = expect.len();
        let first = request(expect, &format!("a{number}"));
        let last = request("connection: close\r\n", &format!("b{number}"));
        let answer = exchange(&app, &format!("{first}{last}")).await;
        let finals: Vec<_> = statuses(&answer)
            .into_iter()
            .filter(|status| *status != "100")
            .collect();
        assert_eq!(finals, ["201", "201"], "{answer}");
        assert_eq!(answer.matches("connection: close").count(), 1, "{answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_response_says_when_the_connection_ends_because_its_body_was_not_read() {
    let app = TestApp::start().await;
    let head = |line: &str, fields: &str, length: usize| {
        format!(
            "{line} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n{fields}content-length: {length}\r\n\r\n"
        )
    };
    // Only a part of each body is sent, so that none can have arrived.
    for (request, status) in [
        (head("POST /v1/users", "", 70_000), "413"),
        (
            head("POST /v1/users", "expect: 100-continue\r\n", 70_000),
            "413",
        ),
        (head("POST /nowhere", "", 70_000) + "{", "404"),
        (head("DELETE /v1/users/x", "", 10) + "{", "404"),
    ] {
        let answer = exchange(&app, &request).await;
        assert_eq!(statuses(&answer), [status], "{answer}");
        assert!(
            answer.contains("connection: close\r\n"),
            "{request}: {answer}"
        );
    }
    // A small one that came with its head costs no connection.
    let small = head("POST /nowhere", "", 2) + "{}";
    let last = "GET /v1/users HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    let answers = exchange(&app, &(small + last)).await;
    assert_eq!(statuses(&answers), ["404", "200"], "{answers}");
    assert_eq!(answers.matches("connection: close").count(), 1, "{answers}");
}

#[tokio::test(flavor = "multi_thread")]
async fn options_with_an_asterisk_lists_what_the_server_supports() {
    let app = TestApp::start_with(&["--h2c"]).await;
    let anywhere = "GET, HEAD, QUERY, POST, PUT, PATCH, DELETE, OPTIONS";
    let ask = |line: &str| format!("{line} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    let answer = exchange(&app, &ask("OPTIONS *")).await;
    assert_eq!(statuses(&answer), ["204"], "{answer}");
    assert!(
        answer.contains(&format!("allow: {anywhere}\r\n")),
        "{answer}"
    );
    // RFC 9112, 3.2.4: the asterisk is for OPTIONS.
    assert_eq!(statuses(&exchange(&app, &ask("GET *")).await), ["400"]);
    assert_eq!(
        statuses(&exchange(&app, &ask("OPTIONS /nowhere")).await),
        ["404"]
    );
    // A body of OPTIONS is not read (RFC 9110, 9.3.7), and is not taken for the next request.
    let body = "GET /nowhere HTTP/1.1\r\nhost: x\r\n\r\n";
    let length = body.len();
    let sent = format!(
        "OPTIONS /v1/users HTTP/1.1\r\nhost: x\r\ncontent-length: {length}\r\n\r\n{body}{}",
        ask("OPTIONS *")
    );
    assert_eq!(statuses(&exchange(&app, &sent).await), ["204", "204"]);
}
