//! What a client does on every route, what it is refused, and what breaks under it.

use super::Findings;
use crate::access::claims;
use crate::spawned::Program;
use crate::test_app::{Answer, JSON, call};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use dev_postgres::Relay;
use roster::http::SigningKeys;
use serde_json::{Value, json};

pub(super) const NAME: &str = "Canaryname Vogel";
pub(super) const EMAIL: &str = "canary.address@canaryhost.example";
pub(super) const TITLE: &str = "Canarytitle";
pub(super) const DEPARTMENT: &str = "Canarydepartment";
pub(super) const PHONE: &str = "+4915550173337";
pub(super) const BODY: &str = "canarybody";
pub(super) const KEY: &str = "canaryattempt";
pub(super) const TOKEN: &str = "canarytoken";
pub(super) const SECRET: &str = "canarysecret";
pub(super) const QUERY: &str = "canaryquery";
pub(super) const OTHER: &str = "canaryother";

pub(super) fn user() -> Value {
    json!({"email": EMAIL, "name": NAME, "title": TITLE, "department": DEPARTMENT, "phone": PHONE})
}

/// Sends with a token; further header fields win.
pub(super) struct Caller<'a> {
    pub(super) program: &'a Program,
    pub(super) bearer: String,
}

impl Caller<'_> {
    pub(super) async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Answer {
        let mut all = vec![("authorization", self.bearer.as_str())];
        if !headers.iter().any(|(name, _)| *name == "content-type") {
            all.extend(JSON);
        }
        all.extend(headers);
        self.program.send(method, path, &all, body).await
    }
}

/// What succeeds, on every route.
pub(super) async fn walk(caller: &Caller<'_>, findings: &mut Findings) -> (String, String) {
    let key = [("idempotency-key", KEY)];
    let created = caller
        .send("POST", "/v1/users", &key, &user().to_string())
        .await;
    assert_eq!(created.status, 201, "{created:?}");
    caller
        .send("POST", "/v1/users", &key, &user().to_string())
        .await;
    let path = created.header("location").to_owned();
    let etag = created.header("etag").to_owned();
    let mut changed = user();
    changed["title"] = json!(format!("{TITLE} 2"));
    for (method, path, headers, body, status) in [
        ("GET", &*path, &[][..], String::new(), 200),
        ("HEAD", &path, &[], String::new(), 200),
        (
            "GET",
            &path,
            &[("if-none-match", &*etag)],
            String::new(),
            304,
        ),
        ("PUT", &path, &[], changed.to_string(), 200),
        (
            "PATCH",
            &path,
            &[],
            json!({"name": NAME, "department": DEPARTMENT}).to_string(),
            200,
        ),
        (
            "GET",
            "/v1/users?q=canary&limit=1",
            &[("cookie", OTHER)],
            String::new(),
            200,
        ),
        (
            "GET",
            "/v1/users?email=canary.address%40canaryhost.example",
            &[],
            String::new(),
            200,
        ),
        (
            "QUERY",
            "/v1/users",
            &[],
            json!({"email": EMAIL}).to_string(),
            200,
        ),
        (
            "GET",
            "/v1/users/changes?wait=1",
            &[("x-other", OTHER)],
            String::new(),
            200,
        ),
        ("GET", "/v1/users/export", &[], String::new(), 200),
        (
            "POST",
            "/v1/users/import?mode=upsert&report=all",
            &[("content-type", "application/jsonl")],
            user().to_string(),
            200,
        ),
        ("OPTIONS", "/v1/users", &[], String::new(), 204),
        ("GET", "/", &[], String::new(), 200),
        ("GET", "/problems/internal", &[], String::new(), 200),
        ("GET", "/.well-known/jwks.json", &[], String::new(), 200),
        ("GET", "/openapi.json", &[], String::new(), 200),
        ("GET", "/docs", &[], String::new(), 308),
        ("GET", "/docs/index.html", &[], String::new(), 200),
    ] {
        let answer = caller.send(method, path, headers, &body).await;
        assert_eq!(answer.status, status, "{method} {path}: {answer:?}");
    }
    findings.error(
        "an unknown path",
        &caller.send("GET", "/nowhere", &[], "").await,
    );
    (path, etag)
}

/// Tokens and secrets that are refused.
pub(super) async fn be_refused(
    program: &Program,
    findings: &mut Findings,
    keys: &SigningKeys,
    client_id: &str,
) {
    let sign = |changes: Value| {
        let token = keys
            .sign(&claims("roster", "roster", changes))
            .expect("a token");
        format!("Bearer {token}")
    };
    let expired = sign(json!({"exp": 1, "sub": "canary subject"}));
    let no_scope = sign(json!({"scope": "canaryscope", "sub": "canary subject"}));
    let unsigned = format!(
        "Bearer {}.{}.",
        URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#),
        URL_SAFE_NO_PAD.encode(TOKEN)
    );
    for bearer in [&expired, &no_scope, &unsigned] {
        let (_, signature) = bearer.rsplit_once('.').expect("three parts");
        if !signature.is_empty() {
            findings.canary("a refused token", signature);
        }
    }
    for bearer in [
        expired,
        no_scope,
        unsigned,
        format!("Bearer {TOKEN}"),
        format!("Digest {TOKEN}"),
    ] {
        let headers = [("authorization", bearer.as_str())];
        findings.error(
            "a bad token",
            &program.send("GET", "/v1/users", &headers, "").await,
        );
    }
    for pair in [
        format!("{client_id}:{SECRET}"),
        format!("{OTHER}:{SECRET}"),
        SECRET.into(),
    ] {
        let basic = format!("Basic {}", STANDARD.encode(&pair));
        let headers = [
            ("authorization", basic.as_str()),
            ("content-type", "application/x-www-form-urlencoded"),
        ];
        let form = "grant_type=client_credentials&scope=canaryscope";
        findings.canary("a refused secret", &STANDARD.encode(&pair));
        findings.error(
            "a bad secret",
            &program.send("POST", "/oauth/token", &headers, form).await,
        );
    }
}

/// What goes wrong inside: a bug, and a database that goes away in the middle of it all.
pub(super) async fn break_down(
    caller: &Caller<'_>,
    findings: &mut Findings,
    sql: &tokio_postgres::Client,
    relay: &Relay,
    path: &str,
) {
    // Refused by a rule that the service does not know: PostgreSQL's own words quote the whole row.
    sql.batch_execute(
        "ALTER TABLE users ADD CONSTRAINT unheard_of CHECK (title <> 'Canarytitle 3') NOT VALID",
    )
    .await
    .expect("is added");
    let mut refused = user();
    refused["title"] = json!("Canarytitle 3");
    let answer = caller.send("PUT", path, &[], &refused.to_string()).await;
    assert_eq!(answer.status, 500, "{answer:?}");
    findings.error("a bug", &answer);
    refused["email"] = json!(format!("2{EMAIL}"));
    let answer = caller
        .send("POST", "/v1/users", &[], &refused.to_string())
        .await;
    assert_eq!(answer.status, 500, "{answer:?}");
    findings.error("another bug", &answer);
    relay.cut();
    for (method, body) in [
        ("GET", String::new()),
        ("PUT", user().to_string()),
        ("DELETE", String::new()),
    ] {
        findings.error("an outage", &caller.send(method, path, &[], &body).await);
    }
    let list = caller.send("GET", "/v1/users?q=canaryquery", &[], "").await;
    findings.error("an outage", &list);
    findings.note("a probe", &admin(caller.program, "/readyz").await);
    relay.restore();
}

pub(super) async fn admin(program: &Program, path: &str) -> Answer {
    call(&program.client, program.admin_address, "GET", path, &[], "")
        .await
        .expect("an answer")
}
