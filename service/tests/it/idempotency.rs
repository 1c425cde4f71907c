//! `Idempotency-Key`

use crate::test_app::{Answer, JSON, TestApp, id};
use serde_json::{Value, json};
use std::sync::Arc;

async fn create(app: &TestApp, key: &str, user: &Value) -> Answer {
    app.send(
        "POST",
        "/v1/users",
        &[JSON[0], ("idempotency-key", key)],
        &user.to_string(),
    )
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retry_is_answered_as_the_first_attempt_was() {
    let app = TestApp::start().await;
    let body = json!({"email": "a@example.com", "name": "A"});
    let first = create(&app, "k1", &body).await;
    assert_eq!(
        (first.status.as_u16(), first.header("idempotency-replayed")),
        (201, "")
    );
    // Whatever happens to the user afterwards.
    let user = first.json();
    app.send(
        "PUT",
        first.header("location"),
        JSON,
        &json!({"email": "b@example.com", "name": "B"}).to_string(),
    )
    .await;
    for _ in 0..3 {
        let again = create(&app, "k1", &body).await;
        assert_eq!(
            (again.status.as_u16(), again.header("idempotency-replayed")),
            (201, "true")
        );
        assert_eq!(
            (again.json(), again.header("etag"), again.header("location")),
            (user.clone(), "\"1\"", first.header("location"))
        );
    }
    assert_eq!(app.walk("limit=10").await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_is_replayed_too() {
    let app = TestApp::start().await;
    let taken = app
        .created(&json!({"email": "a@example.com", "name": "A"}))
        .await;
    let body = json!({"email": "A@example.com", "name": "B"});
    let first = create(&app, "k1", &body).await;
    assert_eq!(
        (
            first.problem().as_str(),
            first.header("idempotency-replayed")
        ),
        ("email-taken", "")
    );
    app.send("DELETE", &crate::test_app::path(&taken), &[], "")
        .await;
    let again = create(&app, "k1", &body).await;
    assert_eq!(
        (
            again.problem().as_str(),
            again.header("idempotency-replayed")
        ),
        ("email-taken", "true")
    );
    assert_eq!(create(&app, "k2", &body).await.status, 201);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_key_is_for_one_request() {
    let app = TestApp::start().await;
    assert_eq!(
        create(&app, "k1", &json!({"email": "a@example.com", "name": "A"}))
            .await
            .status,
        201
    );
    let other = create(&app, "k1", &json!({"email": "a@example.com", "name": "B"})).await;
    assert_eq!(
        (other.status.as_u16(), other.problem().as_str()),
        (422, "idempotency-key-reused")
    );
    for bad in ["", "a b", &"x".repeat(256)] {
        assert_eq!(
            create(&app, bad, &json!({"email": "c@example.com", "name": "C"}))
                .await
                .problem(),
            "malformed-request",
            "{bad}"
        );
    }
    assert_eq!(
        create(
            &app,
            &"x".repeat(255),
            &json!({"email": "c@example.com", "name": "C"})
        )
        .await
        .status,
        201
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_attempts_with_one_key_make_one_user_across_replicas() {
    let app = Arc::new(TestApp::start().await);
    let other = Arc::new(TestApp::start_on(app.database_url(), &[]).await);
    let body = json!({"email": "a@example.com", "name": "A"});
    let mut running = Vec::new();
    for n in 0..40 {
        let (app, body) = (
            if n % 2 == 0 {
                app.clone()
            } else {
                other.clone()
            },
            body.clone(),
        );
        running.push(tokio::spawn(async move { create(&app, "k1", &body).await }));
    }
    let mut ids = Vec::new();
    for answer in running {
        let answer = answer.await.unwrap();
        match answer.status.as_u16() {
            201 => ids.push(id(&answer.json()).to_owned()),
            409 => {
                assert_eq!(answer.problem(), "idempotency-in-progress");
                assert_eq!(answer.header("retry-after"), "1");
            }
            other => panic!("{other}: {answer:?}"),
        }
    }
    assert!(
        !ids.is_empty() && ids.iter().all(|id| *id == ids[0]),
        "{ids:?}"
    );
    assert_eq!(app.walk("limit=10").await.len(), 1);
    let changes = app.get("/v1/users/changes").await.json();
    assert_eq!(changes["items"].as_array().unwrap().len(), 1);
}
