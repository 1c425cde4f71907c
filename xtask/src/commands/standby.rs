//! `cargo xtask e2e standby`: the primary of a streaming pair dies under load, the standby is promoted, and Roster goes on by
//! itself: in between it answers 503, afterwards nothing that it acknowledged is missing.

use std::time::{Duration, Instant};

use anyhow::Result;

use crate::failure::{Failure, Kind};
use crate::interrupt;
use crate::postgres_pair::{self, Place};
use crate::watched_roster::WatchedRoster;

/// How long nobody promotes the standby: what an operator or a failover needs to notice.
const UNNOTICED: Duration = Duration::from_secs(3);
/// How long Roster may take to serve again once there is a primary.
const RECOVERY_LIMIT: Duration = Duration::from_secs(30);

pub(crate) fn run() -> Result<()> {
    interrupt::watch()?;
    let place = Place::new()?;
    let primary = place.primary()?;
    let standby = place.standby(&primary)?;
    let url = postgres_pair::url(&[primary.port(), standby.port()]);
    let mut roster = WatchedRoster::start_on(&url)?;
    let begun = Instant::now();
    let say = |what: &str| anstream::eprintln!("{:>6.1} s  {what}", begun.elapsed().as_secs_f64());
    until(RECOVERY_LIMIT, "requests are answered", || {
        roster.answered().0 >= 200
    })?;
    let (_, bad) = roster.answered();
    if bad > 0 {
        return Err(failed("requests failed before anything happened", &roster));
    }
    say("the primary is killed");
    primary.kill();
    let killed = Instant::now();
    std::thread::sleep(UNNOTICED);
    let (_, bad_before) = roster.answered();
    if bad_before == 0 {
        return Err(failed("nothing failed without a primary", &roster));
    }
    say("the standby is promoted");
    let promoted = Instant::now();
    place.execute(standby.port(), "roster", "SELECT pg_promote(true, 30)")?;
    say("it is the primary");
    // Over when a second goes by without a failure.
    let mut newest = (roster.answered().1, Instant::now());
    until(RECOVERY_LIMIT, "no request fails any more", || {
        let bad = roster.answered().1;
        if bad > newest.0 {
            newest = (bad, Instant::now());
        }
        newest.1.elapsed() > Duration::from_secs(3)
    })?;
    say("no request has failed for three seconds");
    let statuses = roster.failures();
    let (all, lost) = roster.lost()?;
    let good = roster.answered().0;
    println!(
        "{good} calls answered well; failed: {}; the last {:.1} s after the kill, {:.1} s after the promotion began; \
         of {all} acknowledged users {lost} are lost",
        told(&statuses),
        newest.1.duration_since(killed).as_secs_f64(),
        newest.1.saturating_duration_since(promoted).as_secs_f64(),
    );
    if lost > 0 {
        return Err(failed("acknowledged users are lost", &roster));
    }
    if statuses.keys().any(|status| *status != 503) {
        return Err(failed("calls failed otherwise than with 503", &roster));
    }
    Ok(())
}

/// `503: 12, no answer: 1`.
pub(super) fn told(failures: &std::collections::BTreeMap<u16, u64>) -> String {
    let one = |(status, count): (&u16, &u64)| match status {
        0 => format!("no answer: {count}"),
        _ => format!("{status}: {count}"),
    };
    let all: Vec<String> = failures.iter().map(one).collect();
    if all.is_empty() {
        "none".to_owned()
    } else {
        all.join(", ")
    }
}

fn failed(what: &str, roster: &WatchedRoster) -> anyhow::Error {
    let why = format!("failed calls by status: {}", told(&roster.failures()));
    Failure::new(
        Kind::Check,
        what,
        why,
        "look at service/src/store and at docs/operations.md",
    )
    .into()
}

/// Waits for something to hold.
pub(super) fn until(limit: Duration, what: &str, mut holds: impl FnMut() -> bool) -> Result<()> {
    let begun = Instant::now();
    while !holds() {
        interrupt::check()?;
        if begun.elapsed() > limit {
            let why = format!("waited {} s", limit.as_secs());
            return Err(Failure::new(
                Kind::Check,
                format!("it did not happen: {what}"),
                why,
                "look at the log",
            )
            .into());
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}
