//! Behind a proxy that takes plain HTTP too: who came by it is sent to HTTPS, when that is asked for.

use crate::test_app::{JSON, TestApp};
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn who_came_by_plain_http_is_sent_to_https_before_anything_else_happens() {
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
        let fields = [("host", host), ("x-forwarded-proto", forwarded)];
        for target in ["/v1/users?limit=1&q=a%20b", "/", "//elsewhere.example.com/"] {
            let answer = app.send("GET", target, &fields, "").await;
            let seen = (answer.status.as_u16(), answer.header("location").to_owned());
            assert_eq!(seen, (308, format!("{location}{target}")));
        }
    }
    let fields = [
        JSON[0],
        ("host", "a.example.com"),
        ("x-forwarded-proto", "http"),
    ];
    let body = json!({"email": "ada@example.com", "name": "Ada"}).to_string();
    let created = app.send("POST", "/v1/users", &fields, &body).await;
    assert_eq!(created.status, 308);
    assert_eq!(app.get("/v1/users").await.json()["items"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_came_by_https_or_without_a_proxy_is_served() {
    let app = TestApp::start_with(&["--redirect-plain-http"]).await;
    for fields in [
        &[][..],
        &[("x-forwarded-proto", "https")],
        &[("x-forwarded-proto", "https, http")],
    ] {
        let answer = app.send("GET", "/v1/users", fields, "").await;
        assert_eq!(answer.status, 200, "{fields:?}");
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
    let fields = [("x-forwarded-proto", "http")];
    assert_eq!(app.send("GET", "/v1/users", &fields, "").await.status, 200);
}
