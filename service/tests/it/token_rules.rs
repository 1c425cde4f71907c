//! What RFC 6749 wants of the token endpoint beside its errors' names.

use crate::access::GuardedApp;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");
const GRANT: &str = "grant_type=client_credentials";

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_kept_by_no_cache_new_or_old() {
    let guarded = GuardedApp::start(&[]).await;
    let (id, secret) = guarded.client("users:read").await;
    let answer = guarded.ask(&id, &secret, GRANT).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(answer.header("pragma"), "no-cache");
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_that_the_edge_finds_carry_the_member_too() {
    let guarded = GuardedApp::start(&["--body-limit-bytes", "1024"]).await;
    let large = "x".repeat(2000);
    for (method, headers, body, status) in [
        ("GET", &[][..], "", 405),
        ("POST", &[FORM, ("accept", "text/html")], GRANT, 406),
        ("POST", &[FORM], &large, 413),
        ("POST", &[("content-type", "application/json")], "{}", 415),
    ] {
        let answer = guarded
            .app
            .send(method, "/oauth/token", headers, body)
            .await;
        assert_eq!(answer.status, status);
        answer.problem();
        assert_eq!(answer.json()["error"], "invalid_request", "{status}");
    }
    let elsewhere = guarded.app.send("POST", "/", &[], "").await;
    assert!(elsewhere.json().get("error").is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_may_be_percent_encoded_as_a_form_is() {
    let guarded = GuardedApp::start(&[]).await;
    let (id, secret) = guarded.client("users:read").await;
    let encoded = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    let answer = guarded.ask(&encoded(&id), &encoded(&secret), GRANT).await;
    assert_eq!(answer.status, 200, "{answer:?}");
}
