//! `cargo xtask e2e pgbouncer`: what works behind a real `pgbouncer` in each of its modes. Session mode must serve
//! everything; what transaction mode breaks is printed.

use std::time::{Duration, Instant};

use anyhow::Result;
use serde_json::{Value, json};

use super::standby::{by_status, until};
use crate::postgres_pair::{self, Place, Postgres};
use crate::watched_roster::WatchedRoster;
use xtask::failure::{Failure, Kind};
use xtask::interrupt;

/// Minimum number of calls before evaluation.
const CALLS: u64 = 600;
const LIMIT: Duration = Duration::from_mins(2);
struct Seen {
    good: u64,
    failures: String,
    failed: u64,
    feed: Option<Duration>,
    connections: String,
}

impl Seen {
    /// A Roster that ends by itself at its start, as its exit status says; its message has been printed. Other errors are
    /// propagated.
    fn did_not_start(error: anyhow::Error) -> Result<Self> {
        let failure = error.downcast::<Failure>()?;
        let Some((_, status)) = failure.why.split_once("it exited with ") else {
            return Err(failure.into());
        };
        let status = status.split(';').next().unwrap_or_default();
        Ok(Self {
            good: 0,
            failures: format!("a replica does not start: {status}"),
            failed: 1,
            feed: None,
            connections: "–".to_owned(),
        })
    }
}

pub(crate) fn run() -> Result<()> {
    interrupt::watch()?;
    let place = Place::new()?;
    let primary = place.primary()?;
    let direct = look(&place, &primary, &primary)?;
    let mut rows = vec![("none".to_owned(), direct)];
    for mode in ["session", "transaction"] {
        let bouncer = place.pgbouncer(mode, &primary)?;
        let seen = look(&place, &bouncer, &primary);
        let seen = match (mode, seen) {
            ("transaction", Err(error)) => Seen::did_not_start(error)?,
            (_, seen) => seen?,
        };
        rows.push((mode.to_owned(), seen));
    }
    printing::println!(
        "| PgBouncer | good | failed | feed wakes its readers after | connections of PostgreSQL |\n| --- | ---: | --- | --- | ---: |"
    );
    for (mode, seen) in &rows {
        let feed = seen.feed.map_or_else(
            || "never (10 s)".to_owned(),
            |took| format!("{} ms", took.as_millis()),
        );
        printing::println!(
            "| {mode} | {} | {} | {feed} | {} |",
            seen.good,
            seen.failures,
            seen.connections
        );
    }
    for (mode, seen) in &rows {
        if mode != "transaction" && (seen.failed > 0 || seen.feed.is_none()) {
            let why = format!("failed calls by status: {}", seen.failures);
            return Err(Failure::new(
                Kind::Check,
                format!("Roster does not work behind PgBouncer: {mode}"),
                why,
                "correct docs/operations.md or the service",
            )
            .into());
        }
    }
    let (_, transaction) = &rows[2];
    if transaction.failed == 0 && transaction.feed.is_some() {
        let next =
            "run it again, then correct docs/operations.md, which says that it does not work";
        return Err(Failure::new(
            Kind::Check,
            "Roster works behind PgBouncer in mode transaction",
            "nothing failed",
            next,
        )
        .into());
    }
    Ok(())
}

/// Two replicas and a load through `front`.
fn look(place: &Place, front: &Postgres, primary: &Postgres) -> Result<Seen> {
    let mut roster = WatchedRoster::start_on(&postgres_pair::url(&[front]))?;
    until(LIMIT, "enough calls succeed", || {
        let (good, bad) = roster.answered();
        good + bad >= CALLS
    })?;
    roster.stop_load();
    let feed = feed(&roster.address())?;
    let count = "SELECT count(*)::text FROM pg_stat_activity WHERE usename = 'roster' AND pid <> pg_backend_pid()";
    let (good, failed) = roster.answered();
    Ok(Seen {
        good,
        failed,
        failures: by_status(&roster.failures()),
        feed,
        connections: place.text(primary, count)?,
    })
}

/// The time from a write to the response of a waiting change feed reader; `None` if it was not woken by the
/// notification.
fn feed(address: &str) -> Result<Option<Duration>> {
    let agent = http_client::agent(Duration::from_secs(15));
    let Some(end) = end_of_feed(address) else {
        return Ok(None);
    };
    let url = format!("{address}/v1/users/changes?after={end}&wait=10");
    let reader = std::thread::spawn(move || {
        let agent = http_client::agent(Duration::from_secs(15));
        let answered = agent
            .get(url)
            .call()
            .is_ok_and(|answer| answer.status() == 200);
        (answered, Instant::now())
    });
    std::thread::sleep(Duration::from_millis(500));
    let written = Instant::now();
    // A separate address per attempt: all share one database.
    let port = address.rsplit(':').next().unwrap_or_default();
    let email = format!("feed-{port}-{}@example.com", std::process::id());
    let is_written = (0..20).any(|_| {
        let user = json!({"email": email, "name": "Feed"});
        let answer = agent.post(format!("{address}/v1/users")).send_json(user);
        answer.is_ok_and(|answer| answer.status() == 201 || answer.status() == 409)
    });
    let (answered, at) = reader
        .join()
        .map_err(|_| anyhow::anyhow!("the reader panicked"))?;
    let took = at.saturating_duration_since(written);
    Ok((is_written && answered && took < Duration::from_secs(9)).then_some(took))
}

/// The cursor after the last change.
fn end_of_feed(address: &str) -> Option<String> {
    let agent = http_client::agent(Duration::from_secs(15));
    let mut after = String::new();
    for _ in 0..1000 {
        let url = format!("{address}/v1/users/changes?limit=100{after}");
        let page: Value = agent.get(url).call().ok()?.body_mut().read_json().ok()?;
        let next = page["next"].as_str()?;
        after = format!("&after={next}");
        if page["items"].as_array()?.is_empty() {
            return Some(next.to_owned());
        }
    }
    None
}
