//! More requests than the service can work on, and readers that only wait.

use crate::test_app::{Answer, HANGING, TestApp};
use http::StatusCode;
use serde_json::json;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

/// Retries until there is a permit: a probe of the limit may hold it.
async fn insist(app: &TestApp, method: &str, path: &str) -> Answer {
    loop {
        let answer = app.send(method, path, &[], "").await;
        if answer.status != 503 {
            return answer;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// A service that works on so many requests at a time, and a user whose row is held until it is let go.
struct Held {
    app: Arc<TestApp>,
    user: String,
    sql: tokio_postgres::Client,
}

impl Held {
    async fn start(queue_limit: &str) -> Self {
        // On a busy machine the row may be held for long: those who wait for it give up no sooner than the test.
        let flags = [
            "--queue-limit",
            queue_limit,
            "--pool-size=4",
            "--statement-timeout-ms=600000",
            "--lock-timeout-ms=600000",
            "--database-timeout-ms=600000",
            "--request-timeout-ms=600000",
        ];
        let app = Arc::new(TestApp::start_with(&flags).await);
        let sql = app.sql().await;
        let user = app
            .created(&json!({"email": "a@example.com", "name": "A"}))
            .await;
        sql.batch_execute("BEGIN; SELECT FROM users FOR UPDATE")
            .await
            .unwrap();
        let user = crate::test_app::path(&user);
        Self { app, user, sql }
    }

    /// A write of this user, which waits for the row once it is let in.
    fn delete(&self) -> JoinHandle<StatusCode> {
        let (app, user) = (self.app.clone(), self.user.clone());
        tokio::spawn(async move { insist(&app, "DELETE", &user).await.status })
    }

    /// The first answer to one who finds no place.
    async fn refusal(&self) -> Answer {
        let begun = Instant::now();
        loop {
            let answer = self.app.get("/v1/users").await;
            if answer.status == 503 {
                return answer;
            }
            assert!(begun.elapsed() < HANGING, "nobody is refused");
        }
    }

    async fn let_go(&self) {
        self.sql.batch_execute("ROLLBACK").await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_finds_the_queue_full_is_told_so_at_once() {
    let held = Held::start("2").await;
    let stuck = [held.delete(), held.delete()];
    let refused = held.refusal().await;
    assert_eq!(refused.problem(), "unavailable");
    assert_eq!(refused.header("retry-after"), "1");
    assert!(
        held.app
            .metrics()
            .await
            .contains("roster_http_requests_shed_total ")
    );
    held.let_go().await;
    let mut statuses = Vec::new();
    for request in stuck {
        statuses.push(request.await.unwrap().as_u16());
    }
    statuses.sort_unstable();
    assert_eq!(statuses, [204, 404], "those who were let in are served");
    assert_eq!(held.app.get("/v1/users").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn readers_that_wait_for_changes_take_no_place_from_those_who_work() {
    let app = Arc::new(TestApp::start_with(&["--queue-limit", "4"]).await);
    let end = app.get("/v1/users/changes").await.json()["next"]
        .as_str()
        .unwrap()
        .to_owned();
    let readers: Vec<_> = (0..4)
        .map(|_| {
            let (app, end) = (app.clone(), end.clone());
            tokio::spawn(async move {
                let path = format!("/v1/users/changes?after={end}&wait=30");
                loop {
                    let page = insist(&app, "GET", &path).await.json();
                    // None after 30 s, on a machine so busy: it waits again.
                    match page["items"].as_array().unwrap().len() {
                        0 => {}
                        changes => return changes,
                    }
                }
            })
        })
        .collect();
    // Once a fifth one finds no place among them, all four are there.
    let begun = Instant::now();
    while app
        .get(&format!("/v1/users/changes?after={end}&wait=1"))
        .await
        .status
        != 503
    {
        assert!(begun.elapsed() < HANGING, "they never wait");
    }
    assert_eq!(app.get("/v1/users").await.status, 200);
    app.created(&json!({"email": "a@example.com", "name": "A"}))
        .await;
    for reader in readers {
        assert_eq!(reader.await.unwrap(), 1, "each is woken by the change");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_whose_request_was_turned_away_is_read_again_after_a_moment() {
    let held = Held::start("1").await;
    let stuck = held.delete();
    held.refusal().await;

    let mut stream = TcpStream::connect(held.app.address).await.unwrap();
    let request = b"GET /v1/users HTTP/1.1\r\nhost: roster\r\n\r\n";
    let begun = Instant::now();
    for answered in 0..2_u32 {
        stream.write_all(request).await.unwrap();
        let mut bytes = [0; 4096];
        let count = stream.read(&mut bytes).await.unwrap();
        assert!(bytes[..count].starts_with(b"HTTP/1.1 503 "));
        assert!(begun.elapsed() >= Duration::from_secs(1) * answered);
    }
    held.let_go().await;
    assert_eq!(stuck.await.unwrap(), 204);
}
