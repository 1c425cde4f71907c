//! `PostgreSQL` goes away under load and comes back.

use crate::test_app::{JSON, TestApp, database, path};
use dev_postgres::Relay;
use serde_json::json;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// The limit of the service in this test, and what a busy machine may add to it.
const PROMPT: Duration = Duration::from_secs(30);
const THERE: u8 = 0;
const AWAY: u8 = 1;
const COMING_BACK: u8 = 2;
const DONE: u8 = 3;

/// What the clients see together.
#[derive(Default)]
struct Seen {
    phase: AtomicU8,
    /// Answers 2xx, and answers 503, since the phase began.
    right: AtomicUsize,
    unavailable: AtomicUsize,
}

impl Seen {
    fn enter(&self, phase: u8) {
        self.right.store(0, Ordering::SeqCst);
        self.unavailable.store(0, Ordering::SeqCst);
        self.phase.store(phase, Ordering::SeqCst);
    }

    async fn wait(&self, many: &AtomicUsize, least: usize) {
        let begun = Instant::now();
        while many.load(Ordering::SeqCst) < least {
            assert!(begun.elapsed() < Duration::from_secs(120), "no progress");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

/// What one client saw: the addresses that it created, and its slowest 503.
type Report = (BTreeSet<String>, Duration);

async fn client(app: Arc<TestApp>, seen: Arc<Seen>, number: usize, read: String) -> Report {
    let mut created = BTreeSet::new();
    let mut slowest = Duration::ZERO;
    for n in 0_u32.. {
        let before = seen.phase.load(Ordering::SeqCst);
        if before == DONE {
            break;
        }
        let email = format!("u{number}-{n}@example.com");
        let begun = Instant::now();
        let answer = match number % 3 {
            0 => app.get(&read).await,
            1 => app.get("/v1/users?limit=5&sort=-created_at").await,
            _ => {
                let body = json!({"email": email, "name": "A"}).to_string();
                app.send("POST", "/v1/users", JSON, &body).await
            }
        };
        let took = begun.elapsed();
        let after = seen.phase.load(Ordering::SeqCst);
        match answer.status.as_u16() {
            200 => {}
            201 => {
                created.insert(email);
            }
            503 => {
                assert!(
                    [before, after].iter().any(|phase| *phase != THERE) || after == DONE,
                    "503 while the database is there: {answer:?}"
                );
                assert_eq!(answer.problem(), "unavailable");
                assert!(!answer.header("retry-after").is_empty());
                assert!(took < PROMPT, "503 after {took:?}");
                slowest = slowest.max(took);
                seen.unavailable.fetch_add(1, Ordering::SeqCst);
                continue;
            }
            _ => panic!("{answer:?}"),
        }
        seen.right.fetch_add(1, Ordering::SeqCst);
    }
    (created, slowest)
}

#[tokio::test(flavor = "multi_thread")]
async fn there_are_503s_only_while_it_is_away_and_no_acknowledged_write_is_lost() {
    let database = database().await;
    let relay = Relay::start(database.url()).await.expect("a relay");
    // Long enough for a busy machine while the database is there; as it is shipped, the service waits 1.8 s.
    let limits = ["--database-timeout-ms=5000", "--connect-timeout-ms=5000"];
    let app = TestApp::start_on(relay.url(), &limits).await;
    let app = Arc::new(app);
    let user = app
        .created(&json!({"email": "a@example.com", "name": "A"}))
        .await;
    let seen = Arc::new(Seen::default());
    let clients: Vec<_> = (0..24)
        .map(|number| tokio::spawn(client(app.clone(), seen.clone(), number, path(&user))))
        .collect();
    let mut away = 0;
    for gone in [Relay::cut, Relay::silence, Relay::cut] {
        seen.wait(&seen.right, 300).await;
        // What was under way when it went may still be answered 503 a little later: the phases overlap.
        seen.enter(AWAY);
        gone(&relay);
        seen.wait(&seen.unavailable, 48).await;
        away += seen.unavailable.load(Ordering::SeqCst);
        seen.enter(COMING_BACK);
        relay.restore();
        seen.wait(&seen.right, 240).await;
        seen.enter(THERE);
    }
    seen.wait(&seen.right, 300).await;
    seen.enter(DONE);
    let mut created = BTreeSet::new();
    let mut slowest = Duration::ZERO;
    for client in clients {
        let (theirs, their_slowest) = client.await.unwrap();
        created.extend(theirs);
        slowest = slowest.max(their_slowest);
    }
    println!(
        "{} creates acknowledged; {away} × 503 while it was away, the slowest after {slowest:?}",
        created.len()
    );
    let kept: BTreeSet<String> = app
        .walk("limit=200")
        .await
        .iter()
        .map(|user| user["email"].as_str().unwrap().to_owned())
        .collect();
    let lost: Vec<_> = created.difference(&kept).collect();
    assert!(lost.is_empty(), "acknowledged, but lost: {lost:?}");
}
