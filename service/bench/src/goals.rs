//! Roster's performance goals, and whether a run met them.

use super::contestants::{ACTIX, DEADPOOL, PGBENCH, ROSTER};
use super::results::{Contestant, Results};

/// The result of one goal.
pub(super) struct Goal {
    pub(super) what: String,
    pub(super) bound: String,
    /// `None` if it was not measured.
    pub(super) measured: Option<String>,
    pub(super) is_met: bool,
}

/// The CPU time goal of a workload: its title, the maximum of server and PostgreSQL in microseconds, and the maximum
/// relative to actix with tokio-postgres.
const CPU: [(&str, &str, Option<f64>, f64); 4] = [
    ("get", "GET", Some(18.0), 0.55),
    ("post", "POST", Some(40.0), 0.45),
    ("put", "PUT", Some(40.0), 0.45),
    ("list", "list of 50", None, 0.6),
];

/// Checks the results against every goal.
pub(super) fn of(results: &Results) -> Vec<Goal> {
    let mut goals = cpu(results);
    goals.extend(latency(results));
    let roster = results.contestant(ROSTER);
    let memory = roster
        .and_then(|roster| roster.median("get-1000"))
        .map(|m| m.resident_bytes / 1_048_576.0);
    goals.push(at_most(
        "resident memory after load by 1,000 connections",
        24.0,
        memory,
        " MiB",
    ));
    let start = roster.and_then(Contestant::start_ms);
    goals.push(at_most(
        "start to the first 200, PostgreSQL up",
        20.0,
        start,
        " ms",
    ));
    goals
}

fn cpu(results: &Results) -> Vec<Goal> {
    let of = |name, workload| results.median(name, workload).map(|m| m.cpu_us());
    let rate = |name, workload| {
        results
            .median(name, workload)
            .map(|m| m.requests_per_second)
    };
    let mut goals = Vec::new();
    for (workload, title, most_us, most_ratio) in CPU {
        let roster = of(ROSTER, workload);
        if let Some(most) = most_us {
            goals.push(at_most(
                &format!("{title}: CPU of server + PostgreSQL, on a quiet machine"),
                most,
                roster,
                " µs",
            ));
        }
        let peer = ratio(roster, of(ACTIX, workload));
        goals.push(at_most(
            &format!("{title}: the same, of actix + tokio-postgres"),
            most_ratio,
            peer,
            " ×",
        ));
        if most_us.is_some() {
            let limit = ratio(rate(ROSTER, workload), rate(PGBENCH, workload));
            goals.push(at_least(
                &format!("{title}: requests/s, of pgbench at its best"),
                1.0,
                limit,
                " ×",
            ));
        }
    }
    goals
}

fn latency(results: &Results) -> [Goal; 3] {
    let single = |name| results.median(name, "get-1").map(|m| m.p50_us);
    let open = results.median(ROSTER, "get-open");
    let (spread, slowest) = (
        open.as_ref().map(|m| m.p99_us / m.p50_us),
        open.as_ref().map(|m| m.max_us / 1e6),
    );
    [
        at_most(
            "one connection: GET p50, of axum + deadpool (nothing joined)",
            1.2,
            ratio(single(ROSTER), single(DEADPOOL)),
            " ×",
        ),
        at_most("open loop at 70 % of peak: p99, of p50", 5.0, spread, " ×"),
        at_most(
            "open loop at 70 % of peak: slowest request",
            1.0,
            slowest,
            " s",
        ),
    ]
}

fn at_most(what: &str, bound: f64, measured: Option<f64>, unit: &str) -> Goal {
    Goal {
        what: what.to_owned(),
        bound: format!("≤ {bound}{unit}"),
        measured: measured.map(|value| format!("{value:.2}{unit}")),
        is_met: measured.is_some_and(|value| value <= bound),
    }
}

fn at_least(what: &str, bound: f64, measured: Option<f64>, unit: &str) -> Goal {
    Goal {
        what: what.to_owned(),
        bound: format!("> {bound}{unit}"),
        measured: measured.map(|value| format!("{value:.2}{unit}")),
        is_met: measured.is_some_and(|value| value > bound),
    }
}

fn ratio(of: Option<f64>, to: Option<f64>) -> Option<f64> {
    Some(of? / to?)
}
