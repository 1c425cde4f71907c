//! Errors below `/scim` have SCIM's form, whatever refuses the request; without `--scim` there is nothing.

use super::{refusal, scim_app, send};
use crate::access::GuardedApp;
use crate::test_app::TestApp;
use serde_json::{Value, json};

#[tokio::test]
async fn every_refusal_has_the_form_of_scim() {
    let app = scim_app().await;
    let large = format!("{{\"userName\": \"{}\"}}", "a".repeat(70_000));
    let json = [("content-type", "application/scim+json")];
    let text = [("content-type", "text/plain")];
    let none = [("accept", "text/html")];
    for (method, path, headers, body, status) in [
        ("GET", "/scim/v2/Groups", &json[..], "", 404),
        ("GET", "/scim/v2/Users/unknown", &json[..], "", 404),
        ("GET", "/scim/v2/Schemas/unknown", &json[..], "", 404),
        ("PUT", "/scim/v2/Users", &json[..], "{}", 405),
        ("POST", "/scim/v2/Schemas", &json[..], "{}", 405),
        ("GET", "/scim/v2/Users", &none[..], "", 406),
        ("POST", "/scim/v2/Users", &text[..], "{}", 415),
        ("POST", "/scim/v2/Users", &json[..], &large, 413),
        ("POST", "/scim/v2/Users", &json[..], "{", 400),
        ("POST", "/scim/v2/Users", &json[..], "[]", 400),
        ("GET", "/scim/v2/Me", &json[..], "", 501),
        ("PATCH", "/scim/v2/Me", &json[..], "{}", 501),
        ("GET", "/scim/v2/Users?count=x", &json[..], "", 400),
        (
            "GET",
            "/scim/v2/ServiceProviderConfig?filter=id%20pr",
            &json[..],
            "",
            403,
        ),
    ] {
        let answer = app.send(method, path, headers, body).await;
        assert_eq!(answer.status, status, "{method} {path}: {answer:?}");
        refusal(&answer);
        if status == 405 {
            assert!(answer.header("allow").contains("GET"));
        }
    }
}

#[tokio::test]
async fn a_token_with_the_scope_is_required() {
    let guarded = GuardedApp::start(&["--scim"]).await;
    let path = "/scim/v2/Users";
    let answer = guarded.app.get(path).await;
    assert_eq!(answer.status, 401);
    assert!(answer.header("www-authenticate").starts_with("Bearer"));
    refusal(&answer);
    let token = guarded.token("users:read,users:write").await;
    let answer = guarded.send(&token, "GET", path, "").await;
    assert_eq!(answer.status, 403);
    refusal(&answer);
    let token = guarded.token("scim").await;
    assert_eq!(guarded.send(&token, "GET", path, "").await.status, 200);
    assert_eq!(
        guarded.send(&token, "GET", "/v1/users", "").await.status,
        403
    );
}

#[tokio::test]
async fn a_client_over_its_rate_is_told_when_to_come_back() {
    let app = TestApp::start_with(&["--scim", "--rate-limit-per-second", "1"]).await;
    let mut answer = super::get(&app, "/Users").await;
    for _ in 0..20 {
        if answer.status == 429 {
            break;
        }
        answer = super::get(&app, "/Users").await;
    }
    assert_eq!(answer.status, 429);
    assert!(!answer.header("retry-after").is_empty());
    refusal(&answer);
}

#[tokio::test]
async fn without_the_switch_there_is_no_scim() {
    let app = TestApp::start().await;
    for (method, path) in [
        ("GET", "/Users"),
        ("GET", "/ServiceProviderConfig"),
        ("POST", "/Bulk"),
        ("PUT", "/Users"),
    ] {
        let body = if method == "GET" {
            Value::Null
        } else {
            json!({})
        };
        let answer = send(&app, method, path, &body).await;
        assert_eq!(
            (answer.status.as_u16(), answer.problem().as_str()),
            (404, "not-found")
        );
    }
}
