//! A follower that starts by an export and goes on with the change feed, beside writers, while the service is killed.

use crate::spawned::{Program, free_address};
use crate::test_app::{HttpClient, JSON, call, database};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

const WRITERS: u64 = 8;

fn number(variable: &str, default: u64) -> u64 {
    let wanted = std::env::var(variable).ok();
    wanted.map_or(default, |text| text.parse().expect("a number"))
}

/// Creates, changes and deletes users until it is stopped; failures are those of a service that was killed.
async fn write(address: SocketAddr, next: Arc<AtomicU64>, stop: Arc<AtomicBool>) -> u64 {
    let client: HttpClient = Client::builder(TokioExecutor::new()).build_http();
    let mut written = 0;
    let mut mine: Vec<String> = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        let n = next.fetch_add(1, Ordering::Relaxed);
        let user =
            json!({"email": format!("w{n}@example.com"), "name": format!("W {n}")}).to_string();
        let answer = match (n % 4, mine.is_empty()) {
            (0 | 1, _) | (_, true) => {
                call(&client, address, "POST", "/v1/users", JSON, &user).await
            }
            (2, _) => {
                let path = &mine[fastrand::usize(..mine.len())];
                call(&client, address, "PUT", path, JSON, &user).await
            }
            _ => {
                let path = mine.swap_remove(fastrand::usize(..mine.len()));
                call(&client, address, "DELETE", &path, &[], "").await
            }
        };
        match answer {
            Ok(answer) if answer.status.is_success() => {
                written += 1;
                if answer.status == 201 {
                    mine.push(answer.header("location").to_owned());
                }
            }
            _ => tokio::time::sleep(Duration::from_millis(5)).await,
        }
    }
    written
}

/// The directory as a follower knows it.
#[derive(Default)]
struct Follower {
    users: BTreeMap<String, Value>,
    cursor: String,
    changes: u64,
}

impl Follower {
    /// Starts by an export; again, when it breaks off.
    async fn start(client: &HttpClient, address: SocketAddr) -> Self {
        loop {
            let answer = call(client, address, "GET", "/v1/users/export", &[], "").await;
            let Ok(answer) = answer else {
                tokio::time::sleep(Duration::from_millis(10)).await;
                continue;
            };
            if answer.status != 200 {
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
            let mut lines = answer.lines();
            let last = lines.pop().expect("a last record");
            let cursor = last["next"].as_str().expect("it is complete").to_owned();
            assert_eq!(last["users"], lines.len());
            let users: BTreeMap<_, _> = lines
                .into_iter()
                .map(|user| (user["id"].as_str().unwrap().to_owned(), user))
                .collect();
            assert_eq!(last["users"], users.len(), "nobody twice");
            return Self {
                users,
                cursor,
                changes: 0,
            };
        }
    }

    /// Reads one page of the feed; how many changes it had.
    async fn follow(&mut self, client: &HttpClient, address: SocketAddr) -> Option<usize> {
        let path = format!("/v1/users/changes?limit=200&after={}", self.cursor);
        let answer = call(client, address, "GET", &path, &[], "").await.ok()?;
        if answer.status != 200 {
            assert_eq!(answer.status, 503, "{answer:?}");
            return None;
        }
        let page = answer.json();
        let items = page["items"].as_array().expect("items");
        for change in items {
            let id = change["id"].as_str().expect("an id").to_owned();
            let known = match change["type"].as_str().expect("a type") {
                "deleted" => self.users.remove(&id),
                _ => self.users.insert(id, change["user"].clone()),
            };
            // The first change behind the export is not in it already, and the export misses nothing before it.
            match change["type"].as_str() {
                Some("created") => assert!(known.is_none(), "seen twice: {change}"),
                _ => assert!(known.is_some(), "missed what was before: {change}"),
            }
            self.changes += 1;
        }
        page["next"]
            .as_str()
            .expect("a cursor")
            .clone_into(&mut self.cursor);
        Some(items.len())
    }
}

/// `ROSTER_TEST_FOLLOWERS` says how many followers there are one after the other, `ROSTER_TEST_FOLLOW_SECONDS` how long each
/// follows, `ROSTER_TEST_FOLLOW_KILLS` how often the service is killed meanwhile.
#[tokio::test(flavor = "multi_thread")]
async fn a_follower_that_starts_by_an_export_rebuilds_the_table_exactly() {
    let database = database().await;
    let addresses = (free_address(), free_address());
    let flags = [
        "--auth=disabled",
        "--log-format=off",
        "--statement-timeout-ms=30000",
        "--database-timeout-ms=30000",
    ];
    let folder = tempfile::tempdir().expect("a folder");
    let words = folder.path().join("words");
    let start = || Program::spawn(addresses, database.url(), &flags, Some(&words));
    let mut program = start();
    program.ready().await;
    let (next, stop) = (
        Arc::new(AtomicU64::new(0)),
        Arc::new(AtomicBool::new(false)),
    );
    let writers: Vec<_> = (0..WRITERS)
        .map(|_| tokio::spawn(write(addresses.0, next.clone(), stop.clone())))
        .collect();
    let followers = number("ROSTER_TEST_FOLLOWERS", 3);
    let time = Duration::from_millis(number("ROSTER_TEST_FOLLOW_SECONDS", 1) * 1000);
    let kills = u32::try_from(number("ROSTER_TEST_FOLLOW_KILLS", 2)).expect("a few");
    let mut states = Vec::new();
    let client = program.client.clone();
    for _ in 0..followers {
        let mut follower = Follower::start(&client, addresses.0).await;
        let begun = Instant::now();
        let mut killed = 0;
        while begun.elapsed() < time {
            if follower.follow(&client, addresses.0).await.is_none() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            let due = time * (killed + 1) / (kills + 1);
            if killed < kills && begun.elapsed() >= due {
                killed += 1;
                program.kill();
                program = start();
                program.ready().await;
            }
        }
        states.push(follower);
    }
    stop.store(true, Ordering::Relaxed);
    let mut written = 0;
    for writer in writers {
        written += writer.await.expect("a writer");
    }
    let table = Follower::start(&client, addresses.0).await.users;
    assert!(!table.is_empty());
    for mut follower in states {
        while follower.follow(&client, addresses.0).await != Some(0) {}
        assert!(follower.users == table, "a follower differs from the table");
        println!(
            "a follower of {} changes has the {} users of the table; {written} writes",
            follower.changes,
            table.len()
        );
    }
}
