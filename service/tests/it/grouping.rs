//! Reads and writes that are joined: each is answered as if it had been alone.

use crate::test_app::{Answer, JSON, TestApp, path};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

#[tokio::test(flavor = "multi_thread")]
async fn one_bad_write_among_many_fails_alone() {
    let app = Arc::new(TestApp::start().await);
    app.created(&json!({"email": "taken@example.com", "name": "T"}))
        .await;
    let user = app
        .created(&json!({"email": "own@example.com", "name": "O"}))
        .await;
    // A constraint that the service does not know of, as another program's migration may leave one behind.
    app.sql()
        .await
        .batch_execute("ALTER TABLE users ADD CONSTRAINT poison CHECK (name <> 'poison')")
        .await
        .unwrap();
    for round in 0..5 {
        let mut running = Vec::new();
        for n in 0..64 {
            let (app, user) = (app.clone(), user.clone());
            running.push(tokio::spawn(async move {
                match n {
                    7 => (app.create(&json!({"email": format!("poison{round}@example.com"), "name": "poison"})).await, 500),
                    8 => (app.create(&json!({"email": "TAKEN@example.com", "name": "x"})).await, 409),
                    9 => {
                        let body = json!({"email": "taken@example.com", "name": "O"}).to_string();
                        (app.send("PUT", &path(&user), JSON, &body).await, 409)
                    }
                    10 => (app.send("DELETE", "/v1/users/01936f5e-8c3a-7000-8000-000000000001", &[], "").await, 404),
                    n => (app.create(&json!({"email": format!("u{round}-{n}@example.com"), "name": "fine"})).await, 201),
                }
            }));
        }
        for task in running {
            let (answer, expected): (Answer, u16) = task.await.unwrap();
            assert_eq!(answer.status, expected, "{answer:?}");
        }
    }
    assert_eq!(app.walk("q=fine&limit=200").await.len(), 5 * 60);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_somebody_else_holds_holds_up_itself_alone() {
    let app = Arc::new(TestApp::start_with(&["--lock-timeout-ms", "2000"]).await);
    let held = app
        .created(&json!({"email": "held@example.com", "name": "H"}))
        .await;
    let free = app
        .created(&json!({"email": "free@example.com", "name": "F"}))
        .await;
    let mut sql = app.sql().await;
    let holder = sql.transaction().await.unwrap();
    holder
        .batch_execute("SELECT FROM users WHERE email = 'held@example.com' FOR UPDATE")
        .await
        .unwrap();
    let waiting = tokio::spawn({
        let (app, held) = (app.clone(), held.clone());
        async move {
            app.send(
                "PUT",
                &path(&held),
                JSON,
                &json!({"email": "held@example.com", "name": "H2"}).to_string(),
            )
            .await
        }
    });
    tokio::time::sleep(Duration::from_millis(100)).await;
    for n in 0..20 {
        let body = json!({"email": "free@example.com", "name": format!("F{n}")}).to_string();
        assert_eq!(app.send("PUT", &path(&free), JSON, &body).await.status, 200);
    }
    assert!(
        !waiting.is_finished(),
        "the held row was written past its lock"
    );
    holder.rollback().await.unwrap();
    assert_eq!(waiting.await.unwrap().status, 200);
    // Held for longer than the limit: rejected, and nothing was changed.
    let holder = sql.transaction().await.unwrap();
    holder
        .batch_execute("SELECT FROM users WHERE email = 'held@example.com' FOR UPDATE")
        .await
        .unwrap();
    let refused = app.send("DELETE", &path(&held), &[], "").await;
    assert_eq!(
        (refused.status.as_u16(), refused.problem().as_str()),
        (503, "unavailable")
    );
    holder.rollback().await.unwrap();
    assert_eq!(app.get(&path(&held)).await.json()["name"], "H2");
}

#[derive(Debug)]
struct Event {
    begun: u64,
    ended: u64,
    what: What,
}

#[derive(Debug)]
enum What {
    Read {
        tag: String,
        name: String,
    },
    /// A write that demanded the tag `before` and won: the user has the tag `after` and this name since.
    Won {
        before: String,
        after: String,
        name: String,
    },
}

fn tag(answer: &Answer) -> String {
    answer.header("etag").to_owned()
}

/// Concurrent reads and conditional writes of one user at three replicas: versions never go back in real time, every version has one
/// writer, and a read shows what that writer wrote.
#[tokio::test(flavor = "multi_thread")]
async fn each_user_is_linearizable() {
    let app = Arc::new(TestApp::start().await);
    let mut replicas = vec![app.clone()];
    for _ in 0..2 {
        replicas.push(Arc::new(TestApp::start_on(app.database_url(), &[]).await));
    }
    for round in 0..4 {
        let user = app
            .created(&json!({"email": format!("u{round}@example.com"), "name": "v1"}))
            .await;
        let clock = Arc::new(AtomicU64::new(0));
        let mut clients = Vec::new();
        for (client, app) in (0..12).zip(replicas.iter().cycle()) {
            let app = app.clone();
            let (clock, user) = (clock.clone(), user.clone());
            clients.push(tokio::spawn(async move {
                history(&app, &clock, &user, client).await
            }));
        }
        let mut events = Vec::new();
        for client in clients {
            events.extend(client.await.unwrap());
        }
        check(&events);
    }
}

async fn history(app: &TestApp, clock: &AtomicU64, user: &Value, client: u32) -> Vec<Event> {
    let tick = || clock.fetch_add(1, Ordering::SeqCst);
    let mut events = Vec::new();
    for n in 0..25 {
        let begun = tick();
        let read = app.get(&path(user)).await;
        let ended = tick();
        let seen = tag(&read);
        events.push(Event {
            begun,
            ended,
            what: What::Read {
                tag: seen.clone(),
                name: read.json()["name"].as_str().unwrap().to_owned(),
            },
        });
        let name = format!("c{client}-{n}");
        let body = json!({"email": user["email"], "name": name}).to_string();
        let begun = tick();
        let write = app
            .send("PUT", &path(user), &[JSON[0], ("if-match", &seen)], &body)
            .await;
        let ended = tick();
        match write.status.as_u16() {
            200 => {
                events.push(Event {
                    begun,
                    ended,
                    what: What::Won {
                        before: seen,
                        after: tag(&write),
                        name,
                    },
                });
            }
            412 => {}
            other => panic!("{other}: {write:?}"),
        }
    }
    events
}

fn check(events: &[Event]) {
    // Every tag has one successor, so the winners make one chain, which begins at the first version.
    let mut successors = HashMap::new();
    for event in events {
        if let What::Won {
            before,
            after,
            name,
        } = &event.what
        {
            let other = successors.insert(before.as_str(), (after.as_str(), name.as_str()));
            assert!(other.is_none(), "two writers replaced {before}");
        }
    }
    let mut versions = HashMap::from([("\"1\"", (0, "v1"))]);
    let mut last = "\"1\"";
    while let Some((after, name)) = successors.remove(last) {
        let other = versions.insert(after, (versions.len(), name));
        assert!(other.is_none(), "{after} was given out twice");
        last = after;
    }
    assert!(successors.is_empty(), "not in the chain: {successors:?}");
    assert!(versions.len() > 10, "hardly anything was written");
    let after = |event: &Event| match &event.what {
        What::Read { tag, .. } => versions[tag.as_str()].0,
        What::Won { after, .. } => versions[after.as_str()].0,
    };
    for event in events {
        if let What::Read { tag, name } = &event.what {
            assert_eq!(versions[tag.as_str()].1, name, "{event:?}");
        }
    }
    let mut by_begin: Vec<&Event> = events.iter().collect();
    by_begin.sort_by_key(|event| event.begun);
    for (at, later) in by_begin.iter().enumerate() {
        for earlier in &by_begin[..at] {
            if earlier.ended < later.begun {
                assert!(
                    after(earlier) <= after(later),
                    "went back in time: {earlier:?} then {later:?}"
                );
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_that_go_away_disturb_nobody() {
    let app = Arc::new(TestApp::start().await);
    let user = app
        .created(&json!({"email": "a@example.com", "name": "A"}))
        .await;
    let mut running = Vec::new();
    for n in 0..60_u64 {
        let (app, user) = (app.clone(), user.clone());
        running.push(tokio::spawn(async move {
            if n % 2 == 0 {
                let hurried = app.try_send(
                    "POST",
                    "/v1/users",
                    JSON,
                    "{\"email\":\"never@example.com\",\"name\":\"N\"}",
                );
                let _ = tokio::time::timeout(Duration::from_micros(n * 50), hurried).await;
                return;
            }
            assert_eq!(app.get(&path(&user)).await.status, 200);
            app.created(&json!({"email": format!("u{n}@example.com"), "name": "U"}))
                .await;
        }));
    }
    for task in running {
        task.await.unwrap();
    }
}
