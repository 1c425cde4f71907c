//! Errors, methods, and what every answer has.

use crate::test_app::{JSON, TestApp, path};
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn a_method_that_a_path_does_not_know_is_refused_with_those_that_it_does() {
    let app = TestApp::start().await;
    let user = app
        .created(&json!({"email": "a@example.com", "name": "A"}))
        .await;
    for (method, at, allow) in [
        ("DELETE", "/v1/users", "GET, HEAD, QUERY, POST, OPTIONS"),
        ("FROB", "/v1/users", "GET, HEAD, QUERY, POST, OPTIONS"),
        ("get", "/v1/users", "GET, HEAD, QUERY, POST, OPTIONS"),
        ("TRACE", "/v1/users", "GET, HEAD, QUERY, POST, OPTIONS"),
        (
            "POST",
            &path(&user),
            "GET, HEAD, PUT, PATCH, DELETE, OPTIONS",
        ),
        (
            "QUERY",
            &path(&user),
            "GET, HEAD, PUT, PATCH, DELETE, OPTIONS",
        ),
        ("POST", "/", "GET, HEAD, OPTIONS"),
        ("DELETE", "/v1/users/changes", "GET, HEAD, OPTIONS"),
    ] {
        let answer = app.send(method, at, &[], "").await;
        assert_eq!(
            (answer.status.as_u16(), answer.header("allow")),
            (405, allow),
            "{method} {at}"
        );
        assert_eq!(answer.problem(), "method-not-allowed");
    }
    let options = app.send("OPTIONS", &path(&user), &[], "").await;
    assert_eq!(
        (options.status.as_u16(), options.header("allow")),
        (204, "GET, HEAD, PUT, PATCH, DELETE, OPTIONS")
    );
    assert!(options.header("accept-patch").contains("merge-patch"));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_has_its_id_and_may_not_be_stored_or_sniffed() {
    let app = TestApp::start().await;
    for (method, at, status) in [
        ("GET", "/v1/users", 200),
        ("GET", "/nowhere", 404),
        ("FROB", "/v1/users", 405),
        ("OPTIONS", "/", 204),
    ] {
        let answer = app
            .send(method, at, &[("x-request-id", "mine-1")], "")
            .await;
        assert_eq!(answer.status, status);
        assert_eq!(
            (
                answer.header("x-request-id"),
                answer.header("x-content-type-options")
            ),
            ("mine-1", "nosniff")
        );
        assert_eq!(answer.header("cache-control"), "no-store");
    }
    let fresh = app
        .send("GET", "/", &[("x-request-id", "not visible")], "")
        .await;
    assert_eq!(fresh.header("x-request-id").len(), 32);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_type_of_a_problem_answers_what_it_means() {
    let app = TestApp::start().await;
    let problem = app.get("/nowhere").await.json();
    let page = app.get(problem["type"].as_str().unwrap()).await;
    assert_eq!(
        (page.status.as_u16(), page.header("content-type")),
        (200, "text/plain; charset=utf-8")
    );
    assert!(!page.body.is_empty());
    assert_eq!(app.get("/problems/unheard-of").await.problem(), "not-found");
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_and_media_types_are_strict() {
    let app = TestApp::start().await;
    for (body, status, slug) in [
        (
            "{\"email\":\"a@example.com\",\"email\":\"b@example.com\",\"name\":\"A\"}",
            400,
            "malformed-request",
        ),
        (
            "{\"email\":\"a@example.com\",\"name\":\"\\ud800\"}",
            400,
            "malformed-request",
        ),
        (
            "{\"email\":\"a@example.com\",\"name\":\"A\"} x",
            400,
            "malformed-request",
        ),
        ("", 400, "malformed-request"),
        ("[]", 422, "validation-failed"),
        (
            "{\"email\":\"a@example.com\",\"name\":\"\\u0000\"}",
            422,
            "validation-failed",
        ),
    ] {
        let answer = app.send("POST", "/v1/users", JSON, body).await;
        assert_eq!(
            (answer.status.as_u16(), answer.problem().as_str()),
            (status, slug),
            "{body}"
        );
    }
    let untyped = app.send("POST", "/v1/users", &[], "{}").await;
    assert_eq!(
        (untyped.status.as_u16(), untyped.problem().as_str()),
        (415, "unsupported-media-type")
    );
    let unwanted = app
        .send("GET", "/v1/users", &[("accept", "text/html")], "")
        .await;
    assert_eq!(
        (unwanted.status.as_u16(), unwanted.problem().as_str()),
        (406, "not-acceptable")
    );
}
