//! A client with `users:write` alone learns nothing of what it did not send.

use crate::access::GuardedApp;
use crate::test_app::{Answer, path};
use serde_json::{Value, json};

async fn patch(app: &GuardedApp, token: &str, at: &str, media_type: &str, body: &Value) -> Answer {
    let bearer = format!("Bearer {token}");
    let headers = [
        ("authorization", bearer.as_str()),
        ("content-type", media_type),
    ];
    app.app.send("PATCH", at, &headers, &body.to_string()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_patch_is_answered_with_the_tag_and_without_the_user() {
    let app = GuardedApp::start(&[]).await;
    let writer = app.token("users:write").await;
    let both = app.token("users:read,users:write").await;
    let user = json!({"email": "a@example.com", "name": "Ada", "phone": "+1234567"});
    let created = app
        .send(&writer, "POST", "/v1/users", &user.to_string())
        .await;
    assert_eq!(created.status, 201);
    let at = path(&created.json());
    let (merge, operations) = (
        "application/merge-patch+json",
        "application/json-patch+json",
    );
    for (media_type, body) in [
        (merge, json!({})),
        (merge, json!({"title": "T"})),
        (
            operations,
            json!([{"op": "replace", "path": "/title", "value": "U"}]),
        ),
    ] {
        let answer = patch(&app, &writer, &at, media_type, &body).await;
        assert_eq!(answer.status, 204, "{body}: {answer:?}");
        assert!(answer.body.is_empty());
        let read = app.send(&both, "GET", &at, "").await;
        assert_eq!(answer.header("etag"), read.header("etag"), "{body}");
        assert!(!answer.header("last-modified").is_empty());
    }
    let whole = patch(&app, &both, &at, merge, &json!({"title": "V"})).await;
    assert_eq!(
        (whole.status.as_u16(), &whole.json()["phone"]),
        (200, &json!("+1234567"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn operations_that_read_need_the_scope_to_read() {
    let app = GuardedApp::start(&[]).await;
    let writer = app.token("users:write").await;
    let both = app.token("users:read,users:write").await;
    let user = json!({"email": "a@example.com", "name": "Ada", "title": "T"});
    let created = app
        .send(&writer, "POST", "/v1/users", &user.to_string())
        .await;
    let at = path(&created.json());
    for operation in [
        json!({"op": "test", "path": "/title", "value": "T"}),
        json!({"op": "test", "path": "/title", "value": "no"}),
        json!({"op": "copy", "from": "/title", "path": "/department"}),
        json!({"op": "move", "from": "/title", "path": "/department"}),
    ] {
        let body = json!([operation]);
        let refused = patch(&app, &writer, &at, "application/json-patch+json", &body).await;
        assert_eq!(refused.problem(), "insufficient-scope", "{body}");
        assert!(
            refused
                .header("www-authenticate")
                .contains("scope=\"users:read\""),
            "{refused:?}"
        );
        let taken = patch(&app, &both, &at, "application/json-patch+json", &body).await;
        assert_ne!(taken.status, 403, "{body}");
    }
}
