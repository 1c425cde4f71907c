//! The results of `cargo xtask bench api`, stored as JSON; medians are computed on reading.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Result;
use bench_load::report::Report;
use serde::{Deserialize, Serialize};

use super::machine::Machine;
use xtask::failure::{Failure, Kind};

/// One whole run.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Results {
    pub(super) revision: String,
    pub(super) machine: Machine,
    pub(super) settings: Settings,
    pub(super) contestants: Vec<Contestant>,
    pub(super) not_measured: Vec<NotMeasured>,
}

/// How it was measured.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Settings {
    pub(super) users: u64,
    pub(super) connections: usize,
    pub(super) seconds: f64,
    pub(super) rounds: usize,
}

/// What could not be measured, and why.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct NotMeasured {
    pub(super) what: String,
    pub(super) why: String,
}

/// One contestant that was measured.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Contestant {
    pub(super) name: String,
    pub(super) title: String,
    /// What it did besides the calls: for Roster, the enabled features.
    pub(super) parts: String,
    /// The size of its program, if it is one file.
    pub(super) program_bytes: Option<u64>,
    /// Time from its start to its first correct response, by round.
    pub(super) start_ms: Vec<f64>,
    /// By workload, one per round.
    pub(super) rounds: BTreeMap<String, Vec<Measurement>>,
}

/// The cost of one workload.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Measurement {
    pub(super) connections: usize,
    pub(super) requests_per_second: f64,
    /// CPU time per request of the server, microseconds.
    pub(super) server_cpu_us: f64,
    /// The same of PostgreSQL.
    pub(super) postgres_cpu_us: f64,
    /// The same of the load generator.
    pub(super) load_cpu_us: f64,
    pub(super) p50_us: f64,
    pub(super) p99_us: f64,
    pub(super) p999_us: f64,
    pub(super) max_us: f64,
    /// Resident memory of the server at the end.
    pub(super) resident_bytes: f64,
    /// The same with shared pages divided among its processes (PSS).
    pub(super) proportional_bytes: f64,
}

impl Measurement {
    /// Server and PostgreSQL together.
    pub(super) fn cpu_us(&self) -> f64 {
        self.server_cpu_us + self.postgres_cpu_us
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "sizes of memory are far below 2^53"
    )]
    pub(super) fn of(report: &Report) -> Self {
        let cpu = |name| report.cpu_us_per_request.get(name).copied().unwrap_or(0.0);
        let bytes = |of: &BTreeMap<String, u64>| of.get("server").copied().unwrap_or(0) as f64;
        Self {
            connections: report.connections,
            requests_per_second: report.requests_per_second,
            server_cpu_us: cpu("server"),
            postgres_cpu_us: cpu("postgres"),
            load_cpu_us: cpu("load"),
            p50_us: report.latency_us.p50,
            p99_us: report.latency_us.p99,
            p999_us: report.latency_us.p999,
            max_us: report.latency_us.max,
            resident_bytes: bytes(&report.resident_bytes),
            proportional_bytes: bytes(&report.proportional_bytes),
        }
    }
}

impl Contestant {
    /// The median of each figure of a workload; `None` if it was not measured.
    pub(super) fn median(&self, workload: &str) -> Option<Measurement> {
        let rounds = self.rounds.get(workload)?;
        let of = |figure: fn(&Measurement) -> f64| {
            median(rounds.iter().map(figure).collect()).unwrap_or(f64::NAN)
        };
        // Server and PostgreSQL of the median round: a sum of medians would belong to no round.
        let middle = in_the_middle(rounds, |round| round.cpu_us())?;
        Some(Measurement {
            connections: middle.connections,
            requests_per_second: of(|m| m.requests_per_second),
            server_cpu_us: middle.server_cpu_us,
            postgres_cpu_us: middle.postgres_cpu_us,
            load_cpu_us: of(|m| m.load_cpu_us),
            p50_us: of(|m| m.p50_us),
            p99_us: of(|m| m.p99_us),
            p999_us: of(|m| m.p999_us),
            max_us: rounds.iter().map(|m| m.max_us).fold(0.0, f64::max),
            resident_bytes: of(|m| m.resident_bytes),
            proportional_bytes: of(|m| m.proportional_bytes),
        })
    }

    /// The median time from its start to its first correct response.
    pub(super) fn start_ms(&self) -> Option<f64> {
        median(self.start_ms.clone())
    }
}

impl Results {
    /// The contestant of this name.
    pub(super) fn contestant(&self, name: &str) -> Option<&Contestant> {
        self.contestants
            .iter()
            .find(|contestant| contestant.name == name)
    }

    /// The median of a contestant's workload.
    pub(super) fn median(&self, contestant: &str, workload: &str) -> Option<Measurement> {
        self.contestant(contestant)?.median(workload)
    }

    /// Reads the results of an earlier run.
    pub(super) fn read(path: &Path) -> Result<Self> {
        let failed = |why: String| {
            Failure::new(
                Kind::Usage,
                format!("the results in {} cannot be used", path.display()),
                why,
                "create them with: cargo xtask bench api",
            )
        };
        let text = std::fs::read_to_string(path).map_err(|error| failed(error.to_string()))?;
        Ok(serde_json::from_str(&text).map_err(|error| failed(error.to_string()))?)
    }

    /// Stores the results.
    pub(super) fn write(&self, path: &Path) -> Result<()> {
        std::fs::write(path, serde_json::to_string_pretty(self)? + "\n")?;
        Ok(())
    }
}

/// The median; of an even number, the lower of the two middle values.
pub(super) fn median(values: Vec<f64>) -> Option<f64> {
    in_the_middle(values, |value| *value)
}

/// The round whose figure is the median, so that all figures belong to the same round.
pub(super) fn in_the_middle<T>(
    rounds: impl IntoIterator<Item = T>,
    figure: impl Fn(&T) -> f64,
) -> Option<T> {
    let mut sorted: Vec<T> = rounds.into_iter().collect();
    sorted.sort_by(|a, b| figure(a).total_cmp(&figure(b)));
    let middle = sorted.len().saturating_sub(1) / 2;
    sorted.into_iter().nth(middle)
}

#[cfg(test)]
pub(super) mod tests {
    use std::collections::BTreeMap;

    use super::{Contestant, Measurement, median};

    /// A measurement with only a CPU time.
    pub(in super::super) fn measurement(server: f64, postgres: f64) -> Measurement {
        Measurement {
            connections: 64,
            requests_per_second: 1_000_000.0 / (server + postgres),
            server_cpu_us: server,
            postgres_cpu_us: postgres,
            load_cpu_us: 5.0,
            p50_us: 100.0,
            p99_us: 200.0,
            p999_us: 300.0,
            max_us: 400.0,
            resident_bytes: 1_048_576.0,
            proportional_bytes: 1_048_576.0,
        }
    }

    /// A contestant with one workload.
    pub(in super::super) fn contestant(
        name: &str,
        workload: &str,
        rounds: Vec<Measurement>,
    ) -> Contestant {
        Contestant {
            name: name.to_owned(),
            title: name.to_owned(),
            parts: String::new(),
            program_bytes: None,
            start_ms: vec![10.0],
            rounds: BTreeMap::from([(workload.to_owned(), rounds)]),
        }
    }

    #[test]
    fn the_median_is_the_value_in_the_middle() {
        assert_eq!(median(vec![3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(vec![4.0, 1.0]), Some(1.0));
        assert_eq!(median(Vec::new()), None);
    }

    #[test]
    fn a_round_disturbed_by_others_does_not_show() {
        let rounds = vec![
            measurement(10.0, 3.0),
            measurement(90.0, 30.0),
            measurement(11.0, 3.0),
        ];
        let median = contestant("roster", "get", rounds).median("get").unwrap();
        assert!((median.cpu_us() - 14.0).abs() < 1e-9);
    }
}
