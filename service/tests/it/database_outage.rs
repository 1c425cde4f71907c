//! `PostgreSQL` goes away and comes back.

use crate::test_app::{JSON, TestApp, database, path};
use dev_postgres::Relay;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// The limit of the service in these tests, and what a busy machine may add to it.
const LIMIT: &[&str] = &["--database-timeout-ms=1500", "--connect-timeout-ms=1500"];
const PROMPT: Duration = Duration::from_secs(15);

/// Creates the user, however often the busy machine needs.
async fn created(app: &TestApp) -> Value {
    for _ in 0..20 {
        let answer = app
            .create(&json!({"email": "a@example.com", "name": "A"}))
            .await;
        if answer.status != 503 {
            return app.walk("email=a@example.com").await.remove(0);
        }
    }
    panic!("the database cannot be reached")
}

async fn until_ready(app: &TestApp) {
    let begun = Instant::now();
    while app.get("/v1/users?limit=1").await.status != 200 {
        let limit = Duration::from_mins(2);
        assert!(begun.elapsed() < limit, "it does not recover by itself");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_get_503_while_the_database_is_away_and_the_service_recovers_by_itself() {
    let database = database().await;
    let relay = Relay::start(database.url()).await.expect("a relay");
    let app = TestApp::start_on(relay.url(), LIMIT).await;
    let user = created(&app).await;
    for gone in [Relay::cut, Relay::silence] {
        gone(&relay);
        for _ in 0..2 {
            for (method, at, body) in [
                ("GET", path(&user), ""),
                ("GET", "/v1/users".into(), ""),
                (
                    "PUT",
                    path(&user),
                    "{\"email\":\"a@example.com\",\"name\":\"B\"}",
                ),
                ("GET", "/v1/users/changes".into(), ""),
            ] {
                let started = Instant::now();
                let answer = app.send(method, &at, JSON, body).await;
                assert_eq!(
                    (answer.status.as_u16(), answer.problem().as_str()),
                    (503, "unavailable"),
                    "{method} {at}"
                );
                assert!(!answer.header("retry-after").is_empty());
                assert!(
                    started.elapsed() < PROMPT,
                    "{method} {at} took {:?}",
                    started.elapsed()
                );
            }
        }
        relay.restore();
        until_ready(&app).await;
        assert_eq!(app.get(&path(&user)).await.status, 200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_fails_over_from_a_dead_connection() {
    let database = database().await;
    let relay = Relay::start(database.url()).await.expect("a relay");
    let app = TestApp::start_on(relay.url(), &[]).await;
    let user = app
        .created(&json!({"email": "a@example.com", "name": "A"}))
        .await;
    for _ in 0..20 {
        assert_eq!(app.get(&path(&user)).await.status, 200);
        assert_eq!(app.get("/v1/users").await.status, 200);
        relay.cut_once();
        assert_eq!(app.get(&path(&user)).await.status, 200);
        assert_eq!(app.get("/v1/users").await.status, 200);
    }
}

/// What was answered 2xx is there afterwards, what was answered otherwise is there once at the most.
#[tokio::test(flavor = "multi_thread")]
async fn no_write_that_was_acknowledged_is_lost_and_none_is_applied_twice() {
    let database = database().await;
    let relay = Arc::new(Relay::start(database.url()).await.expect("a relay"));
    let app = Arc::new(TestApp::start_on(relay.url(), &[]).await);
    let done = Arc::new(AtomicBool::new(false));
    let mut writers = Vec::new();
    for writer in 0..16_u32 {
        let (app, done) = (app.clone(), done.clone());
        writers.push(tokio::spawn(async move {
            let mut acknowledged = HashMap::new();
            let mut unavailable = 0;
            for n in 0_u32.. {
                if done.load(Ordering::Relaxed) {
                    break;
                }
                let key = format!("{writer}-{n}");
                let email = format!("u{key}@example.com");
                let body = json!({"email": email, "name": "A"}).to_string();
                // As documented for clients: the same key until there is a response.
                loop {
                    let answer = app
                        .send(
                            "POST",
                            "/v1/users",
                            &[JSON[0], ("idempotency-key", &key)],
                            &body,
                        )
                        .await;
                    match answer.status.as_u16() {
                        201 => {
                            acknowledged.insert(email, answer.json()["id"].clone());
                            break;
                        }

                        503 => unavailable += 1,
                        409 if answer.problem() == "idempotency-in-progress" => {}
                        other => panic!("{other}: {answer:?}"),
                    }
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
            }
            (acknowledged, unavailable)
        }));
    }
    for _ in 0..100 {
        tokio::time::sleep(Duration::from_millis(25)).await;
        relay.cut_once();
    }
    done.store(true, Ordering::Relaxed);
    let mut acknowledged = HashMap::new();
    let mut unavailable = 0;
    for writer in writers {
        let (users, failed) = writer.await.unwrap();
        acknowledged.extend(users);
        unavailable += failed;
    }
    assert!(
        unavailable > 0,
        "the connection was never cut in the middle of a write"
    );
    until_ready(&app).await;
    let kept: HashMap<_, _> = app
        .walk("limit=200")
        .await
        .into_iter()
        .map(|user| {
            (
                user["email"].as_str().unwrap().to_owned(),
                user["id"].clone(),
            )
        })
        .collect();
    assert_eq!(kept, acknowledged);
    let changes: i64 = app
        .sql()
        .await
        .query_one("SELECT count(*) FROM user_changes", &[])
        .await
        .unwrap()
        .get(0);
    assert_eq!(
        usize::try_from(changes).unwrap(),
        acknowledged.len(),
        "one change for each user"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_service_stays_ready_while_the_database_is_away_and_says_that_it_is() {
    let database = database().await;
    let relay = Relay::start(database.url()).await.expect("a relay");
    let app = TestApp::start_on(relay.url(), LIMIT).await;
    created(&app).await;
    until_said(&app, "ok\n", "roster_database_usable 1").await;
    for gone in [Relay::cut, Relay::silence] {
        gone(&relay);
        until_said(&app, "degraded: ", "roster_database_usable 0").await;
        let refused = app.get("/v1/users").await;
        assert_eq!(refused.status, 503);
        assert!(refused.headers.contains_key("retry-after"));
        assert_eq!(app.readiness().await, 200);
        relay.restore();
        until_said(&app, "ok\n", "roster_database_usable 1").await;
    }
}

/// Waits until `/readyz` begins so, and the metrics have this line; it is 200 all the while.
async fn until_said(app: &TestApp, ready: &str, metric: &str) {
    let begun = Instant::now();
    loop {
        assert_eq!(app.readiness().await, 200);
        let (said, metrics) = (app.ready_text().await, app.metrics().await);
        if said.starts_with(ready) && metrics.contains(metric) {
            return;
        }
        let limit = Duration::from_mins(2);
        assert!(begun.elapsed() < limit, "/readyz says {said:?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
