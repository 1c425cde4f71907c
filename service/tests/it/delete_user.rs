//! `DELETE /v1/users/{id}`

use crate::test_app::{TestApp, path};
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn a_user_is_deleted_once() {
    let app = TestApp::start().await;
    let user = app
        .created(&json!({"email": "a@example.com", "name": "A"}))
        .await;
    let stale = app
        .send("DELETE", &path(&user), &[("if-match", "\"9\"")], "")
        .await;
    assert_eq!(
        (stale.status.as_u16(), stale.problem().as_str()),
        (412, "precondition-failed")
    );
    let gone = app
        .send("DELETE", &path(&user), &[("if-match", "\"1\"")], "")
        .await;
    assert_eq!((gone.status.as_u16(), gone.body.len()), (204, 0));
    assert_eq!(
        app.send("DELETE", &path(&user), &[], "").await.problem(),
        "user-not-found"
    );
    assert_eq!(app.get(&path(&user)).await.problem(), "user-not-found");
    // The address is free again.
    app.created(&json!({"email": "A@example.com", "name": "A"}))
        .await;
}
