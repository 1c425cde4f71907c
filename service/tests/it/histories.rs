//! What clients hold outlives the database's past: after a restore, or a failover that lost changes, a cursor or an entity
//! tag of the lost history is never taken for one of the present history.

use crate::test_app::{Answer, JSON, TestApp, id, path};
use serde_json::{Value, json};
use tokio_postgres::NoTls;

/// Copies a database as a backup of this moment, with its sequences; the copy is dropped by [`drop_copy`].
async fn copy_of(url: &str) -> String {
    let (server, name) = url.rsplit_once('/').expect("a database");
    let copy = format!("{name}_copy");
    let sql = connect(&format!("{server}/postgres")).await;
    sql.execute(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = $1",
        &[&name],
    )
    .await
    .expect("sessions end");
    sql.batch_execute(&format!("CREATE DATABASE \"{copy}\" TEMPLATE \"{name}\""))
        .await
        .expect("a copy");
    format!("{server}/{copy}")
}

async fn drop_copy(url: &str) {
    let (server, name) = url.rsplit_once('/').expect("a database");
    let sql = connect(&format!("{server}/postgres")).await;
    sql.batch_execute(&format!("DROP DATABASE \"{name}\" WITH (FORCE)"))
        .await
        .expect("the copy is dropped");
}

async fn connect(url: &str) -> tokio_postgres::Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls)
        .await
        .expect("PostgreSQL");
    tokio::spawn(connection);
    client
}

async fn rename(app: &TestApp, user: &Value, name: &str) -> Answer {
    let body = json!({"email": user["email"], "name": name}).to_string();
    let answer = app.send("PUT", &path(user), JSON, &body).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer
}

async fn create_once(app: &TestApp, key: &str, email: &str) -> Answer {
    let body = json!({"email": email, "name": "K"}).to_string();
    app.send(
        "POST",
        "/v1/users",
        &[JSON[0], ("idempotency-key", key)],
        &body,
    )
    .await
}

/// The last cursor of the feed.
async fn end_of_feed(app: &TestApp) -> String {
    let page = app.get("/v1/users/changes?limit=200").await;
    page.json()["next"].as_str().expect("next").to_owned()
}

/// The first page's cursor of a list of one user a page, by name.
async fn list_cursor(app: &TestApp) -> String {
    let page = app.get("/v1/users?limit=1&sort=name").await;
    page.json()["next"].as_str().expect("next").to_owned()
}

async fn after(app: &TestApp, cursor: &str) -> Answer {
    app.get(&format!("/v1/users/changes?after={cursor}&limit=200"))
        .await
}

async fn list_after(app: &TestApp, cursor: &str) -> Answer {
    app.get(&format!("/v1/users?limit=1&sort=name&cursor={cursor}"))
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restored_database_takes_nothing_of_the_history_that_it_lost() {
    let mut app = TestApp::start().await;
    let ada = app
        .created(&json!({"email": "ada@example.com", "name": "A"}))
        .await;
    let bob = app
        .created(&json!({"email": "bob@example.com", "name": "B"}))
        .await;
    let before = create_once(&app, "before", "before@example.com").await;
    let (shared_cursor, shared_list) = (end_of_feed(&app).await, list_cursor(&app).await);
    let shared_tag = rename(&app, &ada, "A").await.header("etag").to_owned();
    app.stop().await;
    let restored_url = copy_of(app.database_url()).await;

    // What is lost: clients of this history hold its cursors and tags.
    let lost = TestApp::start_on(app.database_url(), &[]).await;
    let lost_tag = rename(&lost, &ada, "lost").await.header("etag").to_owned();
    assert_eq!(lost.send("DELETE", &path(&bob), &[], "").await.status, 204);
    let deletion = end_of_feed(&lost).await;
    let lost_key = create_once(&lost, "after", "after@example.com").await;
    let (creation, lost_list) = (end_of_feed(&lost).await, list_cursor(&lost).await);

    // What is restored goes on from the backup; its positions and versions pass those that were lost.
    let app = TestApp::start_on(&restored_url, &[]).await;
    let refused = after(&app, &creation).await;
    assert_eq!(
        (refused.status.as_u16(), refused.problem().as_str()),
        (400, "invalid-query")
    );
    let kept_tag = rename(&app, &ada, "kept").await.header("etag").to_owned();
    assert_eq!(app.send("DELETE", &path(&bob), &[], "").await.status, 204);
    let again = create_once(&app, "after", "after@example.com").await;
    assert_eq!(
        (again.status.as_u16(), again.header("idempotency-replayed")),
        (201, "")
    );
    assert_ne!(id(&again.json()), id(&lost_key.json()));
    for cursor in [&creation, &deletion] {
        assert_eq!(after(&app, cursor).await.problem(), "invalid-query");
    }
    assert_eq!(
        list_after(&app, &lost_list).await.problem(),
        "invalid-query"
    );

    // A tag of the lost history names no content of this one.
    assert_ne!(lost_tag, kept_tag);
    let read = app
        .send("GET", &path(&ada), &[("if-none-match", &lost_tag)], "")
        .await;
    assert_eq!(
        (read.status.as_u16(), &read.json()["name"]),
        (200, &json!("kept"))
    );
    let body = json!({"email": "ada@example.com", "name": "overwritten"}).to_string();
    let conditional = app
        .send(
            "PUT",
            &path(&ada),
            &[JSON[0], ("if-match", &lost_tag)],
            &body,
        )
        .await;
    assert_eq!(conditional.problem(), "precondition-failed");

    // What both histories have in common goes on.
    let changes = after(&app, &shared_cursor).await.json();
    let kinds: Vec<_> = changes["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| c["type"].clone())
        .collect();
    assert_eq!(kinds, ["updated", "deleted", "created"]);
    assert_eq!(list_after(&app, &shared_list).await.status, 200);
    let replayed = create_once(&app, "before", "before@example.com").await;
    assert_eq!(replayed.header("idempotency-replayed"), "true");
    assert_eq!(
        (replayed.json(), replayed.header("etag")),
        (before.json(), before.header("etag"))
    );
    assert_ne!(shared_tag, kept_tag);
    drop((lost, app));
    drop_copy(&restored_url).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_of_an_empty_directory_reads_on_from_its_beginning() {
    let app = TestApp::start().await;
    let start = end_of_feed(&app).await;
    assert_eq!(after(&app, &start).await.json()["items"], json!([]));
    app.created(&json!({"email": "ada@example.com", "name": "A"}))
        .await;
    assert_eq!(
        after(&app, &start).await.json()["items"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
}
