//! Every error that a client can bring about, with canaries in it.

use super::Findings;
use super::story::{BODY, Caller, EMAIL, KEY, NAME, OTHER, QUERY, SECRET, user};
use serde_json::json;

/// What it is called, method, path, header fields, body.
type Case<'a> = (&'a str, &'a str, &'a str, &'a [(&'a str, &'a str)], String);

/// Every error that a client can bring about.
pub(super) async fn stumble(caller: &Caller<'_>, findings: &mut Findings, path: &str, etag: &str) {
    let merge = [("content-type", "application/merge-patch+json")];
    let patch = [("content-type", "application/json-patch+json")];
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let long = format!("/v1/users?q={}", QUERY.repeat(1000));
    let large = json!({"name": BODY.repeat(1000)}).to_string();
    let wide = OTHER.repeat(2000);
    let stale = format!("\"9{}", &etag[1..]);
    let stale = [("if-match", stale.as_str())];
    let wide = [("x-other", wide.as_str())];
    let deep = format!("{}\"{BODY}\"{}", "[".repeat(500), "]".repeat(500));
    let cases: Vec<Case<'_>> = vec![
        (
            "no JSON",
            "POST",
            "/v1/users",
            &[],
            format!("{{\"name\": {BODY}"),
        ),
        (
            "half a text",
            "POST",
            "/v1/users",
            &[],
            format!("{{\"name\": \"{BODY}"),
        ),
        (
            "a text for a body",
            "POST",
            "/v1/users",
            &[],
            json!(BODY).to_string(),
        ),
        ("a deep body", "POST", "/v1/users", &[], deep),
        (
            "a key twice",
            "POST",
            "/v1/users",
            &[],
            format!("{{\"name\":\"{BODY}\",\"name\":\"{BODY}\"}}"),
        ),
        (
            "a lone surrogate",
            "POST",
            "/v1/users",
            &[],
            format!("{{\"name\":\"{BODY}\\ud800\"}}"),
        ),
        (
            "bad members",
            "POST",
            "/v1/users",
            &[],
            json!({"email": BODY, "name": [BODY], "phone": BODY, "status": BODY, "x": BODY})
                .to_string(),
        ),
        (
            "a long name",
            "POST",
            "/v1/users",
            &[],
            json!({"email": EMAIL, "name": NAME.repeat(30)}).to_string(),
        ),
        (
            "an address that is taken",
            "POST",
            "/v1/users",
            &[],
            user().to_string(),
        ),
        (
            "a key used twice",
            "POST",
            "/v1/users",
            &[("idempotency-key", KEY)],
            json!({"email": EMAIL, "name": BODY}).to_string(),
        ),
        (
            "a bad key",
            "POST",
            "/v1/users",
            &[("idempotency-key", "canary attempt")],
            user().to_string(),
        ),
        (
            "another media type",
            "POST",
            "/v1/users",
            &[("content-type", "text/canaryother")],
            BODY.into(),
        ),
        (
            "another answer",
            "GET",
            "/v1/users",
            &[("accept", "text/canaryother")],
            String::new(),
        ),
        ("a large body", "POST", "/v1/users", &[], large),
        ("a stale tag", "PUT", path, &stale, user().to_string()),
        (
            "a tag of somebody's own",
            "DELETE",
            path,
            &[("if-match", "\"canaryother\"")],
            String::new(),
        ),
        (
            "a bad merge patch",
            "PATCH",
            path,
            &merge,
            json!({"email": BODY, "status": BODY}).to_string(),
        ),
        (
            "no merge patch",
            "PATCH",
            path,
            &merge,
            json!([BODY]).to_string(),
        ),
        (
            "an unknown operation",
            "PATCH",
            path,
            &patch,
            json!([{"op": BODY, "path": "/name"}]).to_string(),
        ),
        (
            "an unknown operation",
            "PATCH",
            path,
            &patch,
            json!([BODY]).to_string(),
        ),
        (
            "a number for a path",
            "PATCH",
            path,
            &patch,
            json!([{"op": "add", "path": [BODY], "value": 1}]).to_string(),
        ),
        (
            "a test that fails",
            "PATCH",
            path,
            &patch,
            json!([{"op": "test", "path": "/name", "value": BODY}]).to_string(),
        ),
        (
            "a value that does not fit",
            "PATCH",
            path,
            &patch,
            json!([{"op": "replace", "path": "/status", "value": BODY}]).to_string(),
        ),
        (
            "a member that is not there",
            "PATCH",
            path,
            &patch,
            json!([{"op": "remove", "path": "/nowhere"}]).to_string(),
        ),
        (
            "a bad parameter",
            "GET",
            "/v1/users?sort=canaryquery&email=canaryquery",
            &[],
            String::new(),
        ),
        (
            "a bad limit",
            "GET",
            "/v1/users?limit=canaryquery",
            &[],
            String::new(),
        ),
        (
            "a bad cursor",
            "GET",
            "/v1/users?cursor=canaryquery",
            &[],
            String::new(),
        ),
        (
            "a bad place in the feed",
            "GET",
            "/v1/users/changes?after=canaryquery",
            &[],
            String::new(),
        ),
        (
            "a bad wait",
            "GET",
            "/v1/users/changes?wait=canaryquery",
            &[],
            String::new(),
        ),
        ("a long query", "GET", &long, &[], String::new()),
        (
            "long header fields",
            "GET",
            "/v1/users",
            &wide,
            String::new(),
        ),
        (
            "a bad QUERY",
            "QUERY",
            "/v1/users",
            &[],
            json!({"q": [QUERY], "sort": QUERY}).to_string(),
        ),
        (
            "a QUERY of another kind",
            "QUERY",
            "/v1/users",
            &[],
            json!({"email": QUERY}).to_string(),
        ),
        ("another method", "FROB", "/v1/users", &[], BODY.into()),
        (
            "nobody",
            "GET",
            "/v1/users/01936f5e-8c3a-7000-8000-000000000001",
            &[],
            String::new(),
        ),
        (
            "another grant",
            "POST",
            "/oauth/token",
            &form,
            format!("grant_type={BODY}"),
        ),
        (
            "a secret in the body",
            "POST",
            "/oauth/token",
            &form,
            format!("grant_type=client_credentials&client_secret={SECRET}"),
        ),
        (
            "an invalid form",
            "POST",
            "/oauth/token",
            &form,
            format!("grant_type={BODY}%ff"),
        ),
        (
            "an unknown problem",
            "GET",
            "/problems/nothing",
            &[],
            String::new(),
        ),
    ];
    for (what, method, path, headers, body) in cases {
        let answer = caller.send(method, path, headers, &body).await;
        findings.error(what, &answer);
    }
}
