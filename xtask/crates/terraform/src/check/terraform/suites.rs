//! `terraform validate` and `terraform test` in every folder, with the numbers of runs and assertions.
//!
//! Terraform says which runs failed; how many assertions they hold is read from the test files themselves.

use std::path::Path;

use anyhow::{Context, Result};
use serde_json::Value;

use super::parallel::in_parallel;
use super::{folders, initialise};
use crate::infra::copy::Copy;
use crate::infra::terraform::Terraform;
use xtask::failure::{Failure, Kind};

/// The results of one directory's tests.
#[derive(Debug, Default)]
pub(super) struct Verdict {
    /// Runs that passed, by name.
    pub(super) passed: Vec<String>,
    /// Runs that failed, each with Terraform's first message.
    pub(super) failed: Vec<(String, String)>,
}

pub(super) fn run(copy: &Copy) -> Result<String> {
    let (mut runs, mut assertions, mut refusals, mut tested) = (0, 0, 0, 0);
    let mut failed = Vec::new();
    let mut folders = folders()?;
    // The longest ones first, to balance the threads.
    folders.sort_by_key(|folder| !(folder.ends_with("stack") || folder.ends_with("platform")));
    let done = in_parallel(&folders, |_, folder| one(copy, folder));
    for (folder, outcome) in folders.iter().zip(done) {
        let Some((verdict, counted)) = outcome? else {
            continue;
        };
        runs += verdict.passed.len();
        assertions += counted.assertions;
        refusals += counted.refusals;
        tested += 1;
        failed.extend(
            verdict
                .failed
                .into_iter()
                .map(|(name, why)| format!("{folder}: {name}: {why}")),
        );
    }
    if !failed.is_empty() {
        let next = "terraform test in that folder shows the values it compared";
        return Err(Failure::new(
            Kind::Check,
            format!("{} test runs failed", failed.len()),
            failed.join("\n"),
            next,
        )
        .into());
    }
    Ok(format!(
        "{runs} runs passed in {tested} directories: {assertions} assertions, {refusals} rejected inputs"
    ))
}

/// Validates and tests a directory; `None` if it has no tests.
fn one(copy: &Copy, folder: &str) -> Result<Option<(Verdict, Counted)>> {
    let terraform = initialise(copy, folder)?;
    if !has_tests(folder) {
        // An ephemeral output is not allowed in a root: such a module is validated and planned as part of stack.
        printing::eprintln!(
            "         {folder}: no own tests, proven with the module that calls it"
        );
        return Ok(None);
    }
    validate(&terraform, folder)?;
    let verdict = test(&terraform)?;
    let counted = count(Path::new(folder))?;
    printing::eprintln!(
        "         {folder}: {} runs, {} assertions, {} rejected inputs",
        verdict.passed.len() + verdict.failed.len(),
        counted.assertions,
        counted.refusals
    );
    Ok(Some((verdict, counted)))
}

fn has_tests(folder: &str) -> bool {
    Path::new(folder).join("tests").is_dir()
}

fn validate(terraform: &Terraform, folder: &str) -> Result<()> {
    let outcome = terraform
        .command("validate")
        .arg("-no-color")
        .quiet()
        .outcome()?;
    if outcome.status.success() {
        return Ok(());
    }
    let why = String::from_utf8_lossy(&outcome.stderr).into_owned();
    Err(Failure::new(
        Kind::Check,
        format!("{folder} is not valid"),
        why,
        "fix what it reports",
    )
    .into())
}

/// Runs the tests of an initialised directory.
pub(super) fn test(terraform: &Terraform) -> Result<Verdict> {
    let outcome = terraform
        .command("test")
        .args(["-json", "-no-color"])
        .quiet()
        .outcome()?;
    let verdict = read(&String::from_utf8_lossy(&outcome.stdout));
    if verdict.passed.is_empty() && verdict.failed.is_empty() {
        let why = String::from_utf8_lossy(&outcome.stderr).into_owned()
            + &String::from_utf8_lossy(&outcome.stdout);
        return Err(Failure::new(
            Kind::Check,
            "terraform test ran nothing",
            why,
            "a directory with tests/ must have at least one run",
        )
        .into());
    }
    Ok(verdict)
}

fn read(lines: &str) -> Verdict {
    let mut verdict = Verdict::default();
    let mut said: Vec<(String, String)> = Vec::new();
    for line in lines
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
    {
        let run = line["@testrun"]
            .as_str()
            .unwrap_or("(before the first run)")
            .to_owned();
        let diagnostic = &line["diagnostic"];
        if line["type"] == "diagnostic" && diagnostic["severity"] == "error" {
            said.push((run, words_of(diagnostic)));
        } else if line["type"] == "test_run" && line["test_run"]["progress"] == "complete" {
            match line["test_run"]["status"].as_str() {
                Some("pass") => verdict.passed.push(run),
                Some("skip") => {}
                _ => verdict.failed.push((run, String::new())),
            }
        }
    }
    for (run, why) in &mut verdict.failed {
        if let Some((_, text)) = said.iter().find(|(name, _)| name == run) {
            text.clone_into(why);
        }
    }
    if verdict.failed.is_empty() && !said.is_empty() {
        verdict.failed = said;
    }
    verdict
}

/// A diagnostic's message.
fn words_of(diagnostic: &Value) -> String {
    let summary = diagnostic["summary"].as_str().unwrap_or_default();
    let detail = diagnostic["detail"].as_str().unwrap_or_default();
    if summary == "Test assertion failed" {
        detail.to_owned()
    } else {
        format!("{summary}: {detail}")
    }
}

/// The contents of a directory's test files.
struct Counted {
    assertions: usize,
    refusals: usize,
}

fn count(folder: &Path) -> Result<Counted> {
    let mut counted = Counted {
        assertions: 0,
        refusals: 0,
    };
    let tests = folder.join("tests");
    for entry in
        std::fs::read_dir(&tests).with_context(|| format!("cannot read {}", tests.display()))?
    {
        let path = entry?.path();
        if !path.to_string_lossy().ends_with(".tftest.hcl") {
            continue;
        }
        let text = std::fs::read_to_string(&path)?;
        let body = hcl::parse(&text).with_context(|| format!("cannot read {}", path.display()))?;
        for run in body.blocks().filter(|block| block.identifier() == "run") {
            counted.assertions += run
                .body()
                .blocks()
                .filter(|block| block.identifier() == "assert")
                .count();
            counted.refusals += run
                .body()
                .attributes()
                .filter(|attribute| attribute.key() == "expect_failures")
                .count();
        }
    }
    Ok(counted)
}

#[cfg(test)]
mod tests {
    use super::read;

    #[test]
    fn a_failed_run_keeps_what_terraform_said() {
        let lines = r#"{"@testrun":"is_private","type":"diagnostic","diagnostic":{"severity":"error","summary":"Test assertion failed","detail":"nodes have public addresses"}}
{"@testrun":"is_private","type":"test_run","test_run":{"run":"is_private","progress":"complete","status":"fail"}}
{"@testrun":"other","type":"test_run","test_run":{"run":"other","progress":"complete","status":"pass"}}"#;
        let verdict = read(lines);
        assert_eq!(verdict.passed, ["other"]);
        assert_eq!(
            verdict.failed,
            [(
                "is_private".to_owned(),
                "nodes have public addresses".to_owned()
            )]
        );
    }

    #[test]
    fn a_file_that_does_not_load_is_a_failure_and_not_silence() {
        let line = r#"{"type":"diagnostic","diagnostic":{"severity":"error","summary":"Unsupported argument","detail":"no such thing"}}"#;
        assert_eq!(read(line).failed.len(), 1);
    }
}
