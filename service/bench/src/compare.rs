//! Whether Roster became slower: compares two results.

use anyhow::Result;

use super::contestants::{HYPER, ROSTER};
use super::results::Results;
use xtask::failure::{Failure, Kind};

/// The compared workloads and the tolerance.
const WORKLOADS: [&str; 4] = ["get", "post", "put", "list"];
const TOLERANCE: f64 = 1.05;

/// Fails if Roster's CPU time per request grew by more than the tolerance.
pub(super) fn check(earlier: &Results, later: &Results) -> Result<()> {
    let scale = scale(earlier, later);
    let mut slower = Vec::new();
    let mut compared = 0;
    printing::println!(
        "CPU time per request, server + PostgreSQL (earlier × {scale:.2}, from the bare hyper of both runs)"
    );
    for workload in WORKLOADS {
        let (Some(before), Some(now)) = (
            earlier.median(ROSTER, workload),
            later.median(ROSTER, workload),
        ) else {
            printing::eprintln!("not compared: {workload} (not in both results)");
            continue;
        };
        compared += 1;
        let (before, now) = (before.cpu_us() * scale, now.cpu_us());
        let line = format!(
            "{workload}: {before:.1} µs → {now:.1} µs ({:+.1} %)",
            (now / before - 1.0) * 100.0
        );
        printing::println!("  {line}");
        if now > before * TOLERANCE {
            slower.push(line);
        }
    }
    if compared == 0 {
        let next = "compare results that both have Roster: cargo xtask bench api";
        return Err(Failure::new(
            Kind::Usage,
            "nothing could be compared",
            "no workload is in both results",
            next,
        )
        .into());
    }
    if slower.is_empty() {
        return Ok(());
    }
    Err(Failure::new(
        Kind::Check,
        format!(
            "Roster became slower by more than {:.0} %",
            (TOLERANCE - 1.0) * 100.0
        ),
        slower.join("\n"),
        "run it again on a quiet machine; if it persists, profile it: cargo xtask bench flamegraph",
    )
    .into())
}

/// How much slower the machine was in the later run, from the same program in both.
fn scale(earlier: &Results, later: &Results) -> f64 {
    match (earlier.median(HYPER, "get"), later.median(HYPER, "get")) {
        (Some(before), Some(now)) if before.cpu_us() > 0.0 => now.cpu_us() / before.cpu_us(),
        _ => {
            printing::eprintln!("not corrected for the machine: {HYPER} is not in both results");
            1.0
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::contestants::HYPER;
    use super::super::machine::Machine;
    use super::super::results::tests::{contestant, measurement};
    use super::super::results::{Results, Settings};
    use super::check;

    fn results(roster: f64, hyper: f64) -> Results {
        Results {
            revision: String::new(),
            machine: Machine::default(),
            settings: Settings {
                users: 1,
                connections: 1,
                seconds: 1.0,
                rounds: 1,
            },
            contestants: vec![
                contestant("roster", "get", vec![measurement(roster, 3.0)]),
                contestant(HYPER, "get", vec![measurement(hyper, 0.0)]),
            ],
            not_measured: Vec::new(),
        }
    }

    #[test]
    fn more_than_five_percent_is_a_failure() {
        assert!(check(&results(10.0, 8.0), &results(10.6, 8.0)).is_ok());
        assert!(check(&results(10.0, 8.0), &results(10.7, 8.0)).is_err());
    }

    #[test]
    fn a_slower_machine_is_no_regression() {
        assert!(check(&results(10.0, 8.0), &results(23.0, 16.0)).is_ok());
        assert!(check(&results(10.0, 8.0), &results(12.0, 8.0)).is_err());
    }

    #[test]
    fn nothing_in_common_is_told() {
        let mut other = results(10.0, 8.0);
        other.contestants.remove(0);
        assert!(check(&results(10.0, 8.0), &other).is_err());
    }
}
