//! A client that calls too often gets Retry-After, and others are not affected.

use crate::access::GuardedApp;
use crate::test_app::TestApp;
use std::time::Duration;

#[tokio::test(flavor = "multi_thread")]
async fn one_request_too_many_is_refused_and_obeying_retry_after_leads_to_success() {
    let guarded =
        GuardedApp::start(&["--rate-limit-per-second", "1", "--rate-limit-burst", "3"]).await;
    let (busy, calm) = (
        guarded.token("users:read").await,
        guarded.token("users:read").await,
    );
    for left in ["2", "1", "0"] {
        let answer = guarded.send(&busy, "GET", "/v1/users/x", "").await;
        assert_eq!(answer.status, 404);
        assert!(
            answer
                .header("ratelimit")
                .starts_with(&format!("\"default\";r={left};t=")),
            "{answer:?}"
        );
        assert_eq!(answer.header("ratelimit-policy"), "\"default\";q=3;w=3");
    }
    let refused = guarded.send(&busy, "GET", "/v1/users", "").await;
    assert_eq!(
        (refused.status.as_u16(), refused.problem().as_str()),
        (429, "rate-limited")
    );
    assert!(
        refused
            .header("ratelimit")
            .starts_with("\"default\";r=0;t=")
    );
    assert_eq!(
        guarded.send(&calm, "GET", "/v1/users", "").await.status,
        200,
        "another client has a rate of its own"
    );
    assert_eq!(
        guarded.app.get("/").await.status,
        200,
        "what needs no token is not limited"
    );
    let seconds: u64 = refused
        .header("retry-after")
        .parse()
        .expect("whole seconds");
    tokio::time::sleep(Duration::from_secs(seconds)).await;
    assert_eq!(
        guarded.send(&busy, "GET", "/v1/users", "").await.status,
        200
    );
    let metrics = guarded.app.metrics().await;
    assert!(
        metrics.contains("roster_http_requests_rate_limited_total 1"),
        "{metrics}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn without_tokens_the_rate_is_that_of_the_address() {
    let app =
        TestApp::start_with(&["--rate-limit-per-second", "1", "--rate-limit-burst", "2"]).await;
    for status in [200, 200, 429] {
        assert_eq!(app.get("/v1/users").await.status, status);
    }
}
