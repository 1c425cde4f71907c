//! Pages of other origins: what browsers ask and need to read is answered for the configured origins, on every response
//! of the edge, and for nobody else.

use crate::access::GuardedApp;
use crate::spawned::roster;
use crate::test_app::{Answer, JSON, TestApp, path};
use serde_json::json;
use std::time::Duration;

const PAGE: &str = "https://app.example";
const FLAGS: &[&str] = &["--cors-origin", "https://app.example,http://localhost:3000"];

fn seen(answer: &Answer) -> (u16, &str, &str) {
    (
        answer.status.as_u16(),
        answer.header("access-control-allow-origin"),
        answer.header("vary"),
    )
}

fn asking(method: &str) -> [(&str, &str); 3] {
    [
        ("origin", PAGE),
        ("access-control-request-method", method),
        (
            "access-control-request-headers",
            "authorization,content-type,if-match",
        ),
    ]
}

/// What the list of a header field contains, in lower case.
fn list(answer: &Answer, name: &str) -> Vec<String> {
    let names = answer.header(name).split(',');
    names.map(|name| name.trim().to_ascii_lowercase()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_preflight_is_answered_by_the_route_table_without_a_token() {
    // Tokens are required here, and a browser sends none with a preflight.
    let guarded = GuardedApp::start(FLAGS).await;
    let app = &guarded.app;
    for (at, allow) in [
        ("/v1/users", "GET, HEAD, QUERY, POST, OPTIONS"),
        ("/v1/users/x", "GET, HEAD, PUT, PATCH, DELETE, OPTIONS"),
        ("/v1/users/changes?wait=30", "GET, HEAD, OPTIONS"),
        // So that a page can read the 404.
        (
            "/nowhere",
            "GET, HEAD, QUERY, POST, PUT, PATCH, DELETE, OPTIONS",
        ),
    ] {
        let answer = app.send("OPTIONS", at, &asking("PUT"), "").await;
        assert_eq!(seen(&answer), (204, PAGE, "Origin"), "{at}");
        assert_eq!(answer.header("access-control-allow-methods"), allow, "{at}");
        assert_eq!(answer.header("access-control-max-age"), "7200");
        let headers = list(&answer, "access-control-allow-headers");
        for name in [
            "accept",
            "authorization",
            "content-type",
            "idempotency-key",
            "if-match",
            "if-modified-since",
            "if-none-match",
            "if-unmodified-since",
            "traceparent",
            "x-request-id",
        ] {
            assert!(
                headers.iter().any(|known| known == name),
                "{name}: {headers:?}"
            );
        }
        assert!(
            !answer
                .headers
                .contains_key("access-control-allow-credentials")
        );
    }
    let refused = app.send("GET", "/v1/users", &[("origin", PAGE)], "").await;
    assert_eq!(seen(&refused), (401, PAGE, "Origin"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_reads_every_response_and_its_header_fields() {
    let app = TestApp::start_with(FLAGS).await;
    let from = |origin: &'static str| [("origin", origin), JSON[0]];
    let body = json!({"email": "ada@example.com", "name": "Ada"}).to_string();
    let created = app.send("POST", "/v1/users", &from(PAGE), &body).await;
    assert_eq!(seen(&created), (201, PAGE, "Origin"));
    let exposed = list(&created, "access-control-expose-headers");
    for name in [
        "etag",
        "location",
        "link",
        "x-request-id",
        "retry-after",
        "idempotency-replayed",
        "www-authenticate",
    ] {
        assert!(
            exposed.iter().any(|known| known == name),
            "{name}: {exposed:?}"
        );
    }
    let at = path(&created.json());
    let long = format!("/?{}", "q".repeat(9000));
    let fields = [("origin", PAGE), ("if-none-match", created.header("etag"))];
    assert_eq!(
        seen(&app.send("GET", &at, &fields, "").await),
        (304, PAGE, "Origin")
    );
    for (method, target, body, status) in [
        ("POST", "/v1/users", body.as_str(), 409),
        ("POST", "/v1/users", "{", 400),
        ("POST", "/v1/users", "{}", 422),
        ("POST", "/v1/users", &" ".repeat(70_000), 413),
        ("GET", "/v1/users/x", "", 404),
        ("GET", "/nowhere", "", 404),
        ("POST", "/v1/users/x", "", 405),
        ("GET", &long, "", 414),
    ] {
        let answer = app.send(method, target, &from(PAGE), body).await;
        assert_eq!(seen(&answer), (status, PAGE, "Origin"), "{method} {target}");
    }
    let local = app
        .send("GET", "/v1/users", &from("http://localhost:3000"), "")
        .await;
    assert_eq!(seen(&local), (200, "http://localhost:3000", "Origin"));
}

#[tokio::test(flavor = "multi_thread")]
async fn no_other_origin_is_allowed_anything() {
    let app = TestApp::start_with(FLAGS).await;
    for origin in [
        "https://app.example.evil.example",
        "http://app.example",
        "https://app.example:8443",
        "https://APP.example",
        "null",
        "",
    ] {
        let fields = [("origin", origin), ("access-control-request-method", "GET")];
        let asked = app.send("OPTIONS", "/v1/users", &fields, "").await;
        assert_eq!(seen(&asked), (204, "", "Origin"), "{origin}");
        assert!(!asked.headers.contains_key("access-control-allow-methods"));
        let read = app.send("GET", "/v1/users", &fields[..1], "").await;
        assert_eq!(seen(&read), (200, "", "Origin"), "{origin}");
        assert!(!read.headers.contains_key("access-control-expose-headers"));
    }
    let twice = [("origin", PAGE), ("origin", PAGE)];
    let read = app.send("GET", "/v1/users", &twice, "").await;
    assert_eq!(seen(&read), (200, "", "Origin"));
    // A cache must not give a page what was read without an origin.
    assert_eq!(seen(&app.get("/v1/users").await), (200, "", "Origin"));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_setting_nothing_is_added() {
    let app = TestApp::start().await;
    let asked = app.send("OPTIONS", "/v1/users", &asking("POST"), "").await;
    assert_eq!(seen(&asked), (204, "", ""));
    let read = app.send("GET", "/v1/users", &[("origin", PAGE)], "").await;
    assert_eq!(seen(&read), (200, "", ""));
    for answer in [asked, read] {
        let mut names = answer.headers.keys();
        assert!(!names.any(|name| name.as_str().starts_with("access-control-")));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_overloaded_service_still_answers_preflights_so_that_pages_read_the_503() {
    let patient = [
        "--queue-limit=1",
        "--lock-timeout-ms=60000",
        "--statement-timeout-ms=60000",
        "--database-timeout-ms=60000",
    ];
    let app = TestApp::start_with(&[FLAGS, &patient].concat()).await;
    let user = app
        .created(&json!({"email": "ada@example.com", "name": "Ada"}))
        .await;
    // One request holds the only permit: it waits for the row that is locked here.
    let mut sql = app.sql().await;
    let lock = sql.transaction().await.unwrap();
    lock.execute("SELECT 1 FROM users FOR UPDATE", &[])
        .await
        .unwrap();
    let at = path(&user);
    let delete = async {
        loop {
            // A read of below may have taken the permit first.
            let answer = app.send("DELETE", &at, &[], "").await;
            if answer.status != 503 {
                return answer;
            }
        }
    };
    let meanwhile = async {
        let refused = async {
            loop {
                let answer = app.send("GET", "/v1/users", &[("origin", PAGE)], "").await;
                if answer.status == 503 {
                    return answer;
                }
            }
        };
        let refused = tokio::time::timeout(Duration::from_secs(60), refused);
        let refused = refused.await.expect("the limit is reached");
        assert_eq!(seen(&refused), (503, PAGE, "Origin"));
        let asked = app.send("OPTIONS", "/v1/users", &asking("GET"), "").await;
        assert_eq!(seen(&asked), (204, PAGE, "Origin"));
        lock.rollback().await.unwrap();
    };
    let (deleted, ()) = futures_util::future::join(delete, meanwhile).await;
    assert_eq!(deleted.status, 204);
}

#[test]
fn an_origin_that_no_page_can_have_is_refused_at_the_start() {
    for (origin, words) in [
        ("*", "wildcards are not supported"),
        ("null", "'null' is the origin of every sandboxed frame"),
        ("https://app.example/", "write https://app.example"),
        ("https://a.example,app.example", "the scheme is missing"),
    ] {
        let output = roster().args(["serve", "--cors-origin", origin]).output();
        let output = output.expect("the program runs");
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success());
        assert!(
            text.contains("--cors-origin") && text.contains(words),
            "{text}"
        );
    }
}
