//! The quality gate as code: `sonarqube/quality-gate.toml`.

use std::path::Path;

use anyhow::Result;
use serde::Deserialize;

use xtask::failure::{Failure, Kind};

/// Where it is kept.
pub(crate) const FILE: &str = "sonarqube/quality-gate.toml";

/// The gate, and what counts as new code.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct QualityGate {
    pub(crate) name: String,
    /// The server's definition of new code: `PREVIOUS_VERSION`, or `NUMBER_OF_DAYS` with a value.
    pub(crate) new_code: NewCode,
    #[serde(rename = "condition")]
    pub(crate) conditions: Vec<Condition>,
}

/// Since when code is new.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewCode {
    #[serde(rename = "type")]
    pub(crate) kind: String,
    pub(crate) value: Option<String>,
}

/// One condition: the gate fails when the metric is beyond the threshold.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub(crate) struct Condition {
    pub(crate) metric: String,
    /// `LT` or `GT`.
    pub(crate) op: String,
    pub(crate) error: String,
    #[allow(dead_code, reason = "for the reader of the file")]
    why: String,
}

/// Reads and checks the file.
pub(crate) fn read() -> Result<QualityGate> {
    parse(&std::fs::read_to_string(Path::new(FILE))?)
}

fn parse(text: &str) -> Result<QualityGate> {
    let wrong = |why: String| {
        Failure::new(
            Kind::Usage,
            format!("{FILE} is wrong"),
            why,
            "correct the file",
        )
    };
    let gate: QualityGate = toml::from_str(text).map_err(|error| wrong(error.to_string()))?;
    for (index, condition) in gate.conditions.iter().enumerate() {
        if condition.op != "LT" && condition.op != "GT" {
            return Err(wrong(format!(
                "{}: op is LT or GT, not {}",
                condition.metric, condition.op
            ))
            .into());
        }
        if condition.error.parse::<f64>().is_err() {
            return Err(wrong(format!(
                "{}: error is a number, not {}",
                condition.metric, condition.error
            ))
            .into());
        }
        if gate.conditions[..index]
            .iter()
            .any(|earlier| earlier.metric == condition.metric)
        {
            return Err(wrong(format!("{} is there twice", condition.metric)).into());
        }
    }
    Ok(gate)
}

#[cfg(test)]
mod tests {
    use super::parse;

    const FILE: &str = include_str!("../../../../../sonarqube/quality-gate.toml");

    #[test]
    fn the_gate_asks_for_all_that_was_promised() {
        let gate = parse(FILE).expect("the repository's own file");
        let metrics: Vec<_> = gate
            .conditions
            .iter()
            .map(|condition| condition.metric.as_str())
            .collect();
        for promised in [
            "new_coverage",
            "new_duplicated_lines_density",
            "new_security_hotspots_reviewed",
        ] {
            assert!(
                metrics.contains(&promised),
                "{promised} is missing in {metrics:?}"
            );
        }
        for quality in ["reliability", "security"] {
            assert!(
                metrics.contains(&format!("new_software_quality_{quality}_issues").as_str()),
                "{quality}: {metrics:?}"
            );
        }
    }

    #[test]
    fn a_slip_in_the_file_is_named() {
        for (from, to, named) in [
            ("\"LT\"", "\"LTE\"", "op is LT or GT"),
            ("error = \"80\"", "error = \"many\"", "is a number"),
            (
                "metric = \"new_coverage\"",
                "metrik = \"new_coverage\"",
                "metrik",
            ),
        ] {
            let error = parse(&FILE.replacen(from, to, 1)).expect_err("is refused");
            let why = error
                .downcast::<xtask::failure::Failure>()
                .expect("a failure")
                .why;
            assert!(why.contains(named), "{why}");
        }
    }
}
