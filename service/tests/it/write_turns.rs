//! Several replicas write to one database: each waits for its turn, and then takes along what has arrived meanwhile.

use crate::test_app::{Answer, TestApp, database};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio_postgres::Client;

/// The lock that puts commits in order.
const LOCK: &str = "SELECT pg_advisory_lock(5931894172722287106)";
const UNLOCK: &str = "SELECT pg_advisory_unlock(5931894172722287106)";

fn user(number: usize) -> Value {
    json!({"email": format!("turn{number}@example.com"), "name": "T"})
}

fn create(app: &Arc<TestApp>, number: usize) -> JoinHandle<Answer> {
    let app = app.clone();
    tokio::spawn(async move { app.create(&user(number)).await })
}

async fn count(sql: &Client, query: &str) -> i64 {
    sql.query_one(query, &[]).await.unwrap().get(0)
}

/// Waits until this holds: for what happens by itself, however long it takes.
async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    for _ in 0..600 {
        if holds().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{what}: not within 30 s");
}

async fn until_the_lock_is_waited_for(sql: &Client) {
    let waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted";
    until("a transaction waits for its turn", async || {
        count(sql, waiting).await > 0
    })
    .await;
}

async fn value(app: &TestApp, metric: &str) -> f64 {
    let metrics = app.metrics().await;
    let line = metrics.lines().find(|line| line.starts_with(metric));
    let value = line.and_then(|line| line.rsplit(' ').next());
    value.and_then(|value| value.parse().ok()).unwrap_or(0.0)
}

const BATCHES: &str = "roster_database_batch_size_count{lane=\"writes\"}";
const IN_FLIGHT: &str = "roster_http_requests_in_flight ";

#[tokio::test(flavor = "multi_thread")]
async fn what_arrives_while_others_write_goes_into_one_transaction() {
    let limits = [
        "--database-timeout-ms=30000",
        "--statement-timeout-ms=30000",
    ];
    let app = Arc::new(TestApp::start_with(&limits).await);
    let sql = app.sql().await;
    let holder = app.sql().await;
    // Another writer is met once: from then on, transactions are opened before their writes are gathered.
    holder.batch_execute(LOCK).await.unwrap();
    let first = create(&app, 0);
    until_the_lock_is_waited_for(&sql).await;
    holder.batch_execute(UNLOCK).await.unwrap();
    assert_eq!(first.await.unwrap().status, 201);

    // Which of them the process has taken from its sockets when the lock is free cannot be seen: a few rounds, one of which
    // finds all there. Sent in one go, the first write was always a transaction of its own.
    let mut transactions = Vec::new();
    for round in 0..8 {
        let batches = value(&app, BATCHES).await;
        holder.batch_execute(LOCK).await.unwrap();
        let numbers = 100 * (round + 1)..;
        let mut creates: Vec<_> = numbers.take(9).map(|number| create(&app, number)).collect();
        until_the_lock_is_waited_for(&sql).await;
        until("all have arrived", async || {
            value(&app, IN_FLIGHT).await >= 9.0
        })
        .await;
        holder.batch_execute(UNLOCK).await.unwrap();
        for create in creates.drain(..) {
            assert_eq!(create.await.unwrap().status, 201);
        }
        transactions.push(value(&app, BATCHES).await - batches);
        if transactions.ends_with(&[1.0]) {
            break;
        }
    }
    assert!(
        transactions.ends_with(&[1.0]),
        "nine writes in {transactions:?} transactions"
    );

    // Alone again, a write is sent in one go: nobody waits for anything.
    for number in 10..13 {
        assert_eq!(create(&app, number).await.unwrap().status, 201);
    }
    assert_eq!(
        count(&sql, "SELECT count(*) FROM users").await,
        count(&sql, "SELECT count(*) FROM user_changes").await
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_waits_for_a_turn_beyond_its_limit_is_refused_and_nothing_of_it_is_written() {
    let app = Arc::new(TestApp::start_with(&["--database-timeout-ms=800"]).await);
    let sql = app.sql().await;
    let holder = app.sql().await;
    holder.batch_execute(LOCK).await.unwrap();
    let first = create(&app, 0).await.unwrap();
    assert_eq!(first.status, 503);
    assert_eq!(first.problem(), "unavailable");
    let second = create(&app, 1).await.unwrap();
    assert_eq!(second.status, 503);
    holder.batch_execute(UNLOCK).await.unwrap();
    // What was given up may still wait in PostgreSQL; it ends without an effect.
    let waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'";
    until("nothing waits for the lock", async || {
        count(&sql, waiting).await == 0
    })
    .await;
    let third = create(&app, 2).await.unwrap();
    assert_eq!(third.status, 201);
    let feed = "SELECT count(*) FROM user_changes c JOIN users u ON u.id = c.user_id";
    assert_eq!(
        count(&sql, "SELECT count(*) FROM users").await,
        count(&sql, feed).await,
        "each user has one change in the feed"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn two_replicas_that_write_at_the_same_time_make_one_feed_without_gaps() {
    let database = database().await;
    let apps = [
        Arc::new(TestApp::start_on(database.url(), &[]).await),
        Arc::new(TestApp::start_on(database.url(), &[]).await),
    ];
    let creates: Vec<_> = (0..400)
        .map(|number| create(&apps[number % 2], number))
        .collect();
    for create in creates {
        assert_eq!(create.await.unwrap().status, 201);
    }
    let mut after = String::new();
    let mut ids = Vec::new();
    loop {
        let page = apps[0]
            .get(&format!("/v1/users/changes?limit=200{after}"))
            .await
            .json();
        let items = page["items"].as_array().unwrap().clone();
        if items.is_empty() {
            break;
        }
        ids.extend(items.iter().map(|item| item["user"]["id"].to_string()));
        after = format!("&after={}", page["next"].as_str().unwrap());
    }
    assert_eq!(ids.len(), 400);
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 400, "no change is there twice");
}

/// `gin_clean_pending_list` returns how many pages the list had.
#[tokio::test(flavor = "multi_thread")]
async fn the_search_index_is_tidied_before_its_list_is_full() {
    let app = Arc::new(TestApp::start().await);
    let sql = app.sql().await;
    // As after 4,000 changes.
    sql.batch_execute("UPDATE search_index_tidied SET through = -4000")
        .await
        .unwrap();
    app.created(&user(0)).await;
    until("the index is tidied", async || {
        count(&sql, "SELECT through FROM search_index_tidied").await >= 0
    })
    .await;
    let pages = "SELECT gin_clean_pending_list('users_search')";
    assert_eq!(count(&sql, pages).await, 0, "the list is empty");
    app.created(&user(1)).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(
        count(&sql, pages).await,
        1,
        "a few entries are left for later: the more at a time, the less each costs"
    );
}
