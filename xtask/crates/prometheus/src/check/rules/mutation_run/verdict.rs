//! Parses promtool's result for a batch of mutants. Must not know what is in a batch.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::super::promtool::Promtool;
use super::batch::{self, Breakage, MARK};
use xtask::failure::{Failure, Kind};

/// Those that pass the group of tests.
pub(super) fn survivors<'a, 'b>(
    promtool: &Promtool,
    breakages: &[&'a Breakage<'b>],
    test: &Value,
    evaluation_interval: &Value,
    scratch: &Path,
) -> Result<Vec<&'a Breakage<'b>>> {
    let mut left = breakages.to_vec();
    while !left.is_empty() {
        let said = ask(promtool, &left, test, evaluation_interval, scratch)?;
        let Some(said) = said else { break };
        let failed = failed(&said);
        let before = left.len();
        left.retain(|breakage| !failed.numbers.contains(&breakage.number));
        if left.len() == before {
            let what = "promtool fails, but not because of a mutant";
            let next = "correct xtask/crates/prometheus/src/check/rules/mutants.rs: a mutant must be a valid rule";
            return Err(Failure::new(Kind::Check, what, said, next).into());
        }
        // An evaluation error ends the group before its assertions.
        if !failed.was_cut_short {
            break;
        }
    }
    Ok(left)
}

fn ask(
    promtool: &Promtool,
    breakages: &[&Breakage<'_>],
    test: &Value,
    evaluation_interval: &Value,
    scratch: &Path,
) -> Result<Option<String>> {
    let (rules_path, test_path) = (scratch.join("rules.json"), scratch.join("test.json"));
    let whole = json!({
        "rule_files": [rules_path],
        "evaluation_interval": evaluation_interval,
        "tests": [batch::test(breakages, test)],
    });
    fs::write(&rules_path, batch::rules(breakages).to_string())
        .context("cannot write the broken rules")?;
    fs::write(&test_path, whole.to_string()).context("cannot write the tests")?;
    let outcome = promtool
        .command()
        .args(["test", "rules"])
        .arg(&test_path)
        .output()
        .map_err(|_| xtask::tools::missing("promtool"))?;
    if outcome.status.success() {
        return Ok(None);
    }
    let mut said = String::from_utf8_lossy(&outcome.stdout).into_owned();
    said.push_str(&String::from_utf8_lossy(&outcome.stderr));
    Ok(Some(said))
}

#[derive(Debug, PartialEq, Eq)]
struct Failed {
    numbers: BTreeSet<usize>,
    /// The rules could not be evaluated completely.
    was_cut_short: bool,
}

fn failed(said: &str) -> Failed {
    let mut failed = Failed {
        numbers: BTreeSet::new(),
        was_cut_short: false,
    };
    for line in said.lines().map(str::trim_start) {
        let is_rule = line.starts_with("rule: ");
        if is_rule || line.starts_with("alertname: ") || line.starts_with("expr: ") {
            failed.was_cut_short |= is_rule;
            failed.numbers.extend(numbers(line));
        }
    }
    failed
}

fn numbers(line: &str) -> impl Iterator<Item = usize> {
    line.split(MARK).skip(1).filter_map(|rest| {
        let digits = rest
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(rest.len());
        rest[..digits].parse().ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mutants_of_failed_tests_are_known_by_their_names() {
        let said = "Unit Testing:  t.json\n  FAILED:\n    alertname: A__mutant_1, time: 5m, \n        exp:[\n            0:\n              \
                    Labels:{alertname=\"A__mutant_9\"}\n        got:[]\n    expr: \"b:c__mutant_42 > 1\", time: 3m,\n        exp: nil\n";
        assert_eq!(
            failed(said),
            Failed {
                numbers: BTreeSet::from([1, 42]),
                was_cut_short: false
            }
        );
    }

    #[test]
    fn an_error_of_evaluation_cuts_the_group_short() {
        let said = "  FAILED:\n    rule: a:b__mutant_3, time: 1m0s, err: found duplicate series\n";
        assert_eq!(
            failed(said),
            Failed {
                numbers: BTreeSet::from([3]),
                was_cut_short: true
            }
        );
    }

    #[test]
    fn a_rule_that_cannot_be_read_is_no_caught_mutant() {
        let said = "  FAILED:\n    rules.json: 1:1: group \"mutants\", rule 3, \"A__mutant_3\": could not parse expression\n";
        assert!(failed(said).numbers.is_empty());
    }
}
