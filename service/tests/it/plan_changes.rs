//! The schema changes under a running service: statements that were prepared before are prepared again.

use crate::test_app::{JSON, TestApp, path};
use serde_json::json;

const PATCH: &[(&str, &str)] = &[("content-type", "application/merge-patch+json")];

#[tokio::test(flavor = "multi_thread")]
async fn a_column_whose_type_changes_fails_no_request() {
    let app = TestApp::start().await;
    let user = app
        .created(&json!({"email": "a@example.com", "name": "A"}))
        .await;
    let sql = app.sql().await;
    for (round, change) in [
        "ALTER TABLE users ALTER COLUMN name TYPE varchar(200), ALTER COLUMN email TYPE varchar(254); \
         ALTER TABLE user_changes ALTER COLUMN name TYPE varchar(200)",
        "ALTER TABLE users ALTER COLUMN name TYPE varchar(300); \
         ALTER TABLE user_changes ALTER COLUMN name TYPE varchar(300); \
         ALTER TABLE idempotency_keys ALTER COLUMN name TYPE varchar(300)",
        "ALTER TABLE users ALTER COLUMN title TYPE text COLLATE \"C\"; \
         ALTER TABLE user_changes ALTER COLUMN title TYPE text COLLATE \"C\"; \
         ALTER TABLE users ADD COLUMN extra text; \
         ALTER TABLE users ALTER COLUMN row_version TYPE numeric(18); \
         ALTER TABLE users ALTER COLUMN row_version TYPE bigint",
    ]
    .into_iter()
    .enumerate()
    {
        // Whatever there is has been prepared.
        let calls = |stage: &str| {
            let name = format!("{stage} {round}");
            let email = format!("{stage}{round}@example.com");
            let replacement = json!({"email": "a@example.com", "name": name}).to_string();
            let new = json!({"email": email, "name": name}).to_string();
            let keyed = json!({"email": format!("k{email}"), "name": name}).to_string();
            let at = path(&user);
            [
                ("GET", at.clone(), None, String::new(), 200),
                ("GET", "/v1/users?limit=50".into(), None, String::new(), 200),
                ("GET", "/v1/users?q=exa".into(), None, String::new(), 200),
                ("GET", "/v1/users/changes".into(), None, String::new(), 200),
                ("PUT", at.clone(), Some(JSON), replacement, 200),
                ("PATCH", at, Some(PATCH), json!({"title": name}).to_string(), 200),
                ("POST", "/v1/users".into(), Some(JSON), new, 201),
                ("POST", "/v1/users".into(), None, keyed, 201),
            ]
        };
        for stage in ["before", "after"] {
            if stage == "after" {
                sql.batch_execute(change).await.unwrap();
            }
            for (method, at, headers, body, status) in calls(stage) {
                let key = format!("{stage}{round}");
                let keyed = [JSON[0], ("idempotency-key", &*key)];
                let headers = match headers {
                    Some(headers) => headers,
                    None if method == "POST" => &keyed,
                    None => &[],
                };
                let answer = app.send(method, &at, headers, &body).await;
                assert_eq!(
                    answer.status, status,
                    "{stage} {change}: {method} {at}: {answer:?}"
                );
            }
        }
        let gone = app
            .created(&json!({"email": format!("gone{round}@example.com"), "name": "G"}))
            .await;
        assert_eq!(app.send("DELETE", &path(&gone), &[], "").await.status, 204);
    }
}
