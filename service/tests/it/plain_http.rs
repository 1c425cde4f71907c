//! Behind a proxy that takes plain HTTP too: a person who came by it is redirected to HTTPS, a program is refused, since
//! what it sent was readable on the way.

use crate::test_app::{JSON, TestApp};
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_was_asked_for_by_plain_http_is_redirected_to_https() {
    let app = TestApp::start_with(&["--redirect-plain-http"]).await;
    for (host, forwarded, location) in [
        ("service.example.com", "http", "https://service.example.com"),
        (
            "service.example.com:8080",
            "HTTP",
            "https://service.example.com",
        ),
        ("[2001:db8::1]:80", "http, https", "https://[2001:db8::1]"),
    ] {
        let fields = [
            ("host", host),
            ("x-forwarded-proto", forwarded),
            ("accept", "text/html,application/xhtml+xml,*/*;q=0.8"),
        ];
        for target in ["/v1/users?limit=1&q=a%20b", "/", "//elsewhere.example.com/"] {
            let answer = app.send("GET", target, &fields, "").await;
            let seen = (answer.status.as_u16(), answer.header("location").to_owned());
            assert_eq!(seen, (308, format!("{location}{target}")));
        }
        let answer = app.send("HEAD", "/docs", &fields[..2], "").await;
        assert_eq!(answer.header("location"), format!("{location}/docs"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_of_the_api_by_plain_http_is_refused_and_not_redirected() {
    let app = TestApp::start_with(&["--redirect-plain-http"]).await;
    let body = json!({"email": "ada@example.com", "name": "Ada"}).to_string();
    let (html, any) = (("accept", "text/html"), ("accept", "*/*"));
    for (method, target, field) in [
        ("POST", "/oauth/token", any),
        ("POST", "/oauth/token", html),
        ("POST", "/v1/users", html),
        ("GET", "/v1/users", any),
        ("GET", "/v1/users", ("accept", "application/json")),
        ("GET", "/", ("accept", "text/html;q=0")),
        ("DELETE", "/v1/users/x", any),
    ] {
        let fields = [
            JSON[0],
            ("host", "a.example.com"),
            ("x-forwarded-proto", "http"),
            field,
        ];
        let answer = app.send(method, target, &fields, &body).await;
        assert_eq!(
            (answer.status.as_u16(), answer.problem().as_str()),
            (403, "https-required"),
            "{method} {target} {field:?}"
        );
        assert!(!answer.headers.contains_key("location"));
        // A page that a program asks for with its token, which was readable on the way.
        let fields = [&fields[..], &[("authorization", "Bearer x")]].concat();
        let answer = app.send("GET", "/docs", &fields, "").await;
        assert_eq!(answer.status, 403);
        assert!(!answer.headers.contains_key("strict-transport-security"));
    }
    assert_eq!(app.get("/v1/users").await.json()["items"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_came_by_https_or_without_a_proxy_is_served() {
    let app = TestApp::start_with(&["--redirect-plain-http"]).await;
    for (fields, policy) in [
        (&[][..], ""),
        (&[("x-forwarded-proto", "https")], "max-age=31536000"),
        (&[("x-forwarded-proto", "https, http")], "max-age=31536000"),
    ] {
        let answer = app.send("GET", "/v1/users", fields, "").await;
        assert_eq!(answer.status, 200, "{fields:?}");
        assert_eq!(answer.header("strict-transport-security"), policy);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_is_none_is_refused_and_not_served_in_the_clear() {
    let app = TestApp::start_with(&["--redirect-plain-http"]).await;
    let fields = [("host", "a b"), ("x-forwarded-proto", "http")];
    let answer = app.send("GET", "/v1/users", &fields, "").await;
    assert_eq!(answer.problem(), "malformed-request");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_redirected_unless_it_is_asked_for() {
    let app = TestApp::start().await;
    for scheme in ["http", "https"] {
        let fields = [("x-forwarded-proto", scheme)];
        let answer = app.send("GET", "/v1/users", &fields, "").await;
        assert_eq!(answer.status, 200);
        assert!(!answer.headers.contains_key("strict-transport-security"));
    }
}
