//! `cargo xtask e2e standby`: the primary of a streaming pair fails under load, the standby is promoted, and Roster goes on by
//! itself: in between it answers 503, afterwards nothing that it acknowledged is missing. The primary fails in each of the ways
//! that databases fail: its process dies, it freezes, or the network drops its packets.

use std::time::{Duration, Instant};

use anyhow::Result;
use clap::ValueEnum;

use crate::network_link::Link;
use crate::postgres_pair::{self, Place, Postgres};
use crate::watched_roster::WatchedRoster;
use xtask::failure::{Failure, Kind};
use xtask::interrupt;

/// The delay before promotion: the time an operator or a failover needs to notice.
const UNNOTICED: Duration = Duration::from_secs(3);
/// Limit for Roster to serve again once there is a primary.
const RECOVERY_LIMIT: Duration = Duration::from_secs(30);

/// How the primary fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Fault {
    /// Its process is killed: connections are refused.
    Kill,
    /// Its processes are stopped (SIGSTOP): connections are taken, and nothing is said.
    Freeze,
    /// Its packets are dropped: connections get no answer at all. Needs root and Linux's network namespaces.
    Drop,
}

/// Lets the primary fail in these ways, one after the other; in all of them when none is given.
pub(crate) fn run(faults: &[Fault]) -> Result<()> {
    interrupt::watch()?;
    let faults = if faults.is_empty() {
        Fault::value_variants()
    } else {
        faults
    };
    for fault in faults {
        one(*fault)?;
    }
    Ok(())
}

fn one(fault: Fault) -> Result<()> {
    let link = match fault {
        Fault::Drop => Some(Link::new().ok_or_else(no_namespace)?),
        Fault::Kill | Fault::Freeze => None,
    };
    let place = Place::new()?;
    let mut primary = place.primary_across(link)?;
    let standby = place.standby(&primary)?;
    let url = postgres_pair::url(&[&primary, &standby]);
    let roster = WatchedRoster::start_on(&url)?;
    let begun = Instant::now();
    let say = |what: &str| printing::eprintln!("{:>6.1} s  {what}", begun.elapsed().as_secs_f64());
    until(RECOVERY_LIMIT, "requests succeed", || {
        roster.answered().0 >= 200
    })?;
    let (_, bad) = roster.answered();
    if bad > 0 {
        return Err(failed("requests failed before anything happened", &roster));
    }
    say(match fault {
        Fault::Kill => "the primary is killed",
        Fault::Freeze => "the primary freezes",
        Fault::Drop => "the primary's packets are dropped",
    });
    strike(&mut primary, fault)?;
    let struck = Instant::now();
    std::thread::sleep(UNNOTICED);
    until(RECOVERY_LIMIT, "calls fail without a primary", || {
        roster.answered().1 > 0
    })?;
    say("the standby is promoted");
    let promoted = Instant::now();
    place.execute(&standby, "roster", "SELECT pg_promote(true, 30)")?;
    say("it is the primary");
    // Over when three seconds go by without a failure.
    let mut newest = (roster.answered().1, Instant::now());
    until(RECOVERY_LIMIT, "no request fails any more", || {
        let bad = roster.answered().1;
        if bad > newest.0 {
            newest = (bad, Instant::now());
        }
        newest.1.elapsed() > Duration::from_secs(3)
    })?;
    say("no request has failed for three seconds");
    judge(
        fault,
        roster,
        newest.1.duration_since(struck),
        newest.1.saturating_duration_since(promoted),
    )
}

fn strike(primary: &mut Postgres, fault: Fault) -> Result<()> {
    match fault {
        Fault::Kill => {
            primary.kill();
            Ok(())
        }
        Fault::Freeze => primary.freeze(),
        Fault::Drop => primary.drop_packets(),
    }
}

fn judge(fault: Fault, mut roster: WatchedRoster, after: Duration, since: Duration) -> Result<()> {
    let statuses = roster.failures();
    let (all, lost) = roster.lost()?;
    let good = roster.answered().0;
    printing::println!(
        "{}: {good} calls answered well; failed: {}; the last {:.1} s after the fault, {:.1} s after the promotion began; \
         of {all} acknowledged users {lost} are lost",
        format!("{fault:?}").to_lowercase(),
        by_status(&statuses),
        after.as_secs_f64(),
        since.as_secs_f64(),
    );
    if lost > 0 {
        return Err(failed("acknowledged users are lost", &roster));
    }
    if statuses.keys().any(|status| *status != 503) {
        return Err(failed(
            "calls failed with something other than 503",
            &roster,
        ));
    }
    Ok(())
}

fn no_namespace() -> anyhow::Error {
    Failure::new(
        Kind::Missing,
        "packets cannot be dropped here",
        "it needs root, and the program 'ip' of iproute2",
        "run it as root, or leave this fault out: --by kill --by freeze",
    )
    .into()
}

/// `503: 12, no answer: 1`.
pub(super) fn by_status(failures: &std::collections::BTreeMap<u16, u64>) -> String {
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
    let why = format!("failed calls by status: {}", by_status(&roster.failures()));
    Failure::new(
        Kind::Check,
        what,
        why,
        "see service/src/store and docs/operations.md",
    )
    .into()
}

/// Waits until a condition holds.
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
                "check the log",
            )
            .into());
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}
