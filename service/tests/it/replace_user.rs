//! `PUT /v1/users/{id}`

use crate::test_app::{JSON, TestApp, path};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::Arc;

#[tokio::test(flavor = "multi_thread")]
async fn what_is_left_out_becomes_null_or_its_default() {
    let app = TestApp::start().await;
    let full = json!({"email": "a@example.com", "name": "A", "phone": "+1234567", "title": "T", "department": "D", "status": "suspended"});
    let user = app.created(&full).await;
    let answer = app
        .send(
            "PUT",
            &path(&user),
            JSON,
            &json!({"email": "b@example.com", "name": "B"}).to_string(),
        )
        .await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_ne!(answer.header("etag"), "\"1\"");
    let now = answer.json();
    assert_eq!(
        (&now["phone"], &now["title"], &now["department"]),
        (&Value::Null, &Value::Null, &Value::Null)
    );
    assert_eq!(
        (&now["status"], &now["email"]),
        (&json!("active"), &json!("b@example.com"))
    );
    assert_eq!(now["created_at"], user["created_at"]);
    assert!(now["updated_at"].as_str() > user["updated_at"].as_str());
    assert_eq!(app.get(&path(&user)).await.json(), now);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_changes_nothing_keeps_version_and_time() {
    let app = TestApp::start().await;
    let body = json!({"email": "a@example.com", "name": "A", "title": "T"});
    let user = app.created(&body).await;
    let answer = app.send("PUT", &path(&user), JSON, &body.to_string()).await;
    assert_eq!(
        (answer.status.as_u16(), answer.header("etag")),
        (200, "\"1\"")
    );
    assert_eq!(answer.json(), user);
    let changes = app.get("/v1/users/changes").await.json();
    assert_eq!(changes["items"].as_array().unwrap().len(), 1, "{changes}");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_writers_with_one_etag_exactly_one_wins() {
    let app = Arc::new(TestApp::start().await);
    let user = app
        .created(&json!({"email": "a@example.com", "name": "A"}))
        .await;
    let mut running = Vec::new();
    for n in 0..50 {
        let (app, path) = (app.clone(), path(&user));
        running.push(tokio::spawn(async move {
            let headers = [JSON[0], ("if-match", "\"1\"")];
            app.send(
                "PUT",
                &path,
                &headers,
                &json!({"email": "a@example.com", "name": format!("N{n}")}).to_string(),
            )
            .await
        }));
    }
    let mut statuses = HashMap::new();
    for answer in running {
        *statuses
            .entry(answer.await.unwrap().status.as_u16())
            .or_insert(0) += 1;
    }
    assert_eq!(statuses, HashMap::from([(200, 1), (412, 49)]));
    assert_ne!(app.get(&path(&user)).await.header("etag"), "\"1\"");
    let changes = app.get("/v1/users/changes").await.json();
    assert_eq!(changes["items"].as_array().unwrap().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn conditions_are_those_of_rfc_9110() {
    let app = TestApp::start().await;
    let user = app
        .created(&json!({"email": "a@example.com", "name": "0"}))
        .await;
    let modified = app
        .get(&path(&user))
        .await
        .header("last-modified")
        .to_owned();
    for (n, (name, value, status)) in [
        ("if-match", "*", 200),
        ("if-match", "\"1\"", 412),
        // As a compressing proxy makes it of ours (docs/adr/0078).
        ("if-match", "W/{now}", 200),
        ("if-match", "\"1\", {now}", 200),
        ("if-none-match", "*", 412),
        ("if-none-match", "{now}", 412),
        ("if-none-match", "\"1\"", 200),
        ("if-unmodified-since", "Thu, 01 Jan 1970 00:00:00 GMT", 412),
    ]
    .into_iter()
    .enumerate()
    {
        let body = json!({"email": "a@example.com", "name": n.to_string() + "x"}).to_string();
        let now = app.get(&path(&user)).await.header("etag").to_owned();
        let value = value.replace("{now}", &now);
        let answer = app
            .send("PUT", &path(&user), &[JSON[0], (name, &value)], &body)
            .await;
        assert_eq!(answer.status, status, "{name}: {value}");
    }
    assert!(!modified.is_empty());
    let missing = "/v1/users/01936f5e-8c3a-7000-8000-000000000001";
    let answer = app
        .send(
            "PUT",
            missing,
            JSON,
            &json!({"email": "z@example.com", "name": "Z"}).to_string(),
        )
        .await;
    assert_eq!(answer.problem(), "user-not-found");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_without_a_condition_is_refused_where_one_is_required() {
    let app = TestApp::start_with(&["--require-if-match"]).await;
    let user = app
        .created(&json!({"email": "a@example.com", "name": "A"}))
        .await;
    for (method, body) in [
        ("PUT", "{\"email\":\"a@example.com\",\"name\":\"B\"}"),
        ("PATCH", "{\"name\":\"B\"}"),
        ("DELETE", ""),
    ] {
        let answer = app.send(method, &path(&user), JSON, body).await;
        assert_eq!(
            (answer.status.as_u16(), answer.problem().as_str()),
            (428, "precondition-required"),
            "{method}"
        );
        assert_eq!(
            app.send(method, &path(&user), &[JSON[0], ("if-match", "*")], body)
                .await
                .status
                .as_u16()
                / 100,
            2,
            "{method}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_is_taken_is_refused_and_changes_nothing() {
    let app = TestApp::start().await;
    app.created(&json!({"email": "taken@example.com", "name": "T"}))
        .await;
    let user = app
        .created(&json!({"email": "a@example.com", "name": "A"}))
        .await;
    let answer = app
        .send(
            "PUT",
            &path(&user),
            JSON,
            &json!({"email": "TAKEN@example.com", "name": "B"}).to_string(),
        )
        .await;
    assert_eq!(
        (answer.status.as_u16(), answer.problem().as_str()),
        (409, "email-taken")
    );
    assert_eq!(app.get(&path(&user)).await.json(), user);
    let recased = app
        .send(
            "PUT",
            &path(&user),
            JSON,
            &json!({"email": "A@Example.com", "name": "A"}).to_string(),
        )
        .await;
    assert_eq!(recased.status, 200, "{recased:?}");
    assert_ne!(recased.header("etag"), "\"1\"");
}
