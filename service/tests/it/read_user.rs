//! `GET /v1/users/{id}`

use crate::test_app::{TestApp, path};
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_has_the_present_version_is_told_so() {
    let app = TestApp::start().await;
    let user = app
        .created(&json!({"email": "a@example.com", "name": "A"}))
        .await;
    let read = app.get(&path(&user)).await;
    assert_eq!((read.status.as_u16(), read.header("etag")), (200, "\"1\""));
    assert_eq!(read.header("cache-control"), "private, no-cache");
    let modified = read.header("last-modified").to_owned();
    for (name, value, status) in [
        ("if-none-match", "\"1\"", 304),
        ("if-none-match", "W/\"1\"", 304),
        ("if-none-match", "\"0\", \"1\"", 304),
        ("if-none-match", "*", 304),
        ("if-none-match", "\"2\"", 200),
        ("if-modified-since", modified.as_str(), 304),
        ("if-modified-since", "Thu, 01 Jan 1970 00:00:00 GMT", 200),
    ] {
        let answer = app.send("GET", &path(&user), &[(name, value)], "").await;
        assert_eq!(answer.status, status, "{name}: {value}");
        let stored = if value.starts_with("W/") {
            value
        } else {
            "\"1\""
        };
        assert_eq!(answer.header("etag"), stored, "{name}: {value}");
        assert_eq!(answer.body.is_empty(), status == 304);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn head_is_get_without_its_body() {
    let app = TestApp::start().await;
    let user = app
        .created(&json!({"email": "a@example.com", "name": "A"}))
        .await;
    let get = app.get(&path(&user)).await;
    let head = app.send("HEAD", &path(&user), &[], "").await;
    assert!(head.body.is_empty());
    for name in [
        "content-length",
        "content-type",
        "etag",
        "last-modified",
        "cache-control",
    ] {
        assert_eq!(head.header(name), get.header(name), "{name}");
    }
    assert_eq!(head.header("content-length"), get.body.len().to_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_id_and_one_that_is_no_uuid_are_not_found() {
    let app = TestApp::start().await;
    for id in [
        "01936f5e-8c3a-7000-8000-000000000001",
        "1",
        "%ff",
        "%00",
        "a%2Fb",
        "ffffffffffffffffffffffffffffffff",
    ] {
        let answer = app.get(&format!("/v1/users/{id}")).await;
        assert_eq!(
            (answer.status.as_u16(), answer.problem().as_str()),
            (404, "user-not-found"),
            "{id}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_that_starts_after_a_change_was_answered_sees_it() {
    let app = std::sync::Arc::new(TestApp::start().await);
    let mut running = Vec::new();
    for n in 0..16 {
        let app = app.clone();
        running.push(tokio::spawn(async move {
            let user = app
                .created(&json!({"email": format!("u{n}@example.com"), "name": "0"}))
                .await;
            for round in 1..=20 {
                let body = json!({"email": format!("u{n}@example.com"), "name": round.to_string()})
                    .to_string();
                assert_eq!(
                    app.send("PUT", &path(&user), crate::test_app::JSON, &body)
                        .await
                        .status,
                    200
                );
                assert_eq!(
                    app.get(&path(&user)).await.json()["name"],
                    round.to_string()
                );
            }
        }));
    }
    for task in running {
        task.await.unwrap();
    }
}
