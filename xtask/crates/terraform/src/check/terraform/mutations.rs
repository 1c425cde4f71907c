//! Breaks one control after the other and verifies that its test fails: a test that cannot fail proves nothing.
//!
//! The mutations are data (`terraform/mutations/*.toml`). Each is made in the copy, tested, and taken back.

use std::path::Path;

use anyhow::{Context, Result};
use serde::Deserialize;

use super::suites::{self, Verdict};
use super::{WORK, controls, initialise, plans};
use crate::infra::copy::Copy;
use crate::infra::terraform;
use xtask::failure::{Failure, Kind};
use xtask::interrupt;

const FOLDER: &str = "terraform/mutations";

#[derive(Deserialize)]
struct Mutations {
    mutation: Vec<Mutation>,
}

impl Mutations {
    /// All of them, in the order of the files' names.
    fn read() -> Result<Self> {
        let entries = std::fs::read_dir(FOLDER).with_context(|| format!("cannot list {FOLDER}"))?;
        let mut files = entries
            .map(|entry| entry.map(|entry| entry.path()))
            .collect::<std::io::Result<Vec<_>>>()?;
        files.sort();
        let mut all = Vec::new();
        for file in files {
            let name = file.display();
            let text =
                std::fs::read_to_string(&file).with_context(|| format!("cannot read {name}"))?;
            let read: Self =
                toml::from_str(&text).with_context(|| format!("{name} is not well formed"))?;
            all.extend(read.mutation);
        }
        Ok(Self { mutation: all })
    }
}

#[derive(Deserialize)]
struct Mutation {
    /// What is broken.
    control: String,
    /// The file, below terraform/.
    file: String,
    from: String,
    to: String,
    /// The run that must fail in the tests of the file's directory, or `plan of <environment>: <control>`.
    caught_by: String,
}

/// Runs the given mutations, or all; prints the table.
pub(crate) fn run(names: &[String]) -> Result<()> {
    terraform::require()?;
    let all = Mutations::read()?;
    let chosen: Vec<_> = all
        .mutation
        .iter()
        .filter(|one| names.is_empty() || names.contains(&one.control))
        .collect();
    if chosen.is_empty() {
        let known: Vec<_> = all
            .mutation
            .iter()
            .map(|one| one.control.as_str())
            .collect();
        return Err(Failure::new(
            Kind::Usage,
            "no mutation has that name",
            "",
            format!("choose of: {}", known.join("; ")),
        )
        .into());
    }
    interrupt::watch()?;
    let copy = Copy::make(&Path::new(WORK).join("mutations"))?;
    let mut uncaught = Vec::new();
    printing::println!(
        "| control broken | how | caught by | what it said |\n| --- | --- | --- | --- |"
    );
    for mutation in &chosen {
        interrupt::check()?;
        let outcome = judged(&copy, mutation)?;
        let (by, said, fault) = match &outcome {
            Outcome::Caught(said) => (mutation.caught_by.as_str(), said.as_str(), None),
            Outcome::Survived => ("**nothing**", "", Some("still passes".to_owned())),
            Outcome::NotRun(why) => (
                "**not run**",
                why.as_str(),
                Some(format!("did not run: {why}")),
            ),
        };
        printing::println!(
            "| {} | `{}` → `{}` | {by} | {said} |",
            mutation.control,
            one_line(&mutation.from),
            one_line(&mutation.to),
        );
        uncaught.extend(
            fault.map(|fault| format!("{}: {} {fault}", mutation.control, mutation.caught_by)),
        );
    }
    if uncaught.is_empty() {
        printing::eprintln!(
            "{} mutations, {} caught by their test",
            chosen.len(),
            chosen.len()
        );
        return Ok(());
    }
    let next = "a test that passes needs the assertion that fails when the control is gone; one that did not run \
                needs what Terraform asks for, or another `caught_by` in terraform/mutations/";
    Err(Failure::new(
        Kind::Check,
        format!("{} mutations were not caught", uncaught.len()),
        uncaught.join("\n"),
        next,
    )
    .into())
}

/// The result of one mutation.
#[derive(Debug, PartialEq)]
enum Outcome {
    /// Its test failed, with this message.
    Caught(String),
    /// Its test passed without the control.
    Survived,
    /// Its test did not run: Terraform stopped before it, for this reason.
    NotRun(String),
}

fn judged(copy: &Copy, mutation: &Mutation) -> Result<Outcome> {
    let path = copy.path(&format!("terraform/{}", mutation.file));
    let original = std::fs::read_to_string(&path)
        .with_context(|| format!("cannot read {}", path.display()))?;
    anyhow::ensure!(
        original.matches(&mutation.from).count() == 1,
        "{FOLDER}: {} must contain {:?} exactly once",
        mutation.file,
        mutation.from
    );
    std::fs::write(&path, original.replacen(&mutation.from, &mutation.to, 1))?;
    let outcome = outcome(copy, mutation);
    std::fs::write(&path, original)?;
    outcome
}

fn outcome(copy: &Copy, mutation: &Mutation) -> Result<Outcome> {
    if let Some((environment, control)) = mutation
        .caught_by
        .strip_prefix("plan of ")
        .and_then(|rest| rest.split_once(": "))
    {
        let planned = plans::plan(copy, environment)?;
        let broken = controls::broken(&planned.plan);
        return Ok(broken
            .into_iter()
            .find(|(name, _)| *name == control)
            .map_or(Outcome::Survived, |(_, why)| {
                Outcome::Caught(one_line(&why))
            }));
    }
    let folder = folder_of(&mutation.file);
    let terraform = initialise(copy, &folder)?;
    Ok(read(suites::test(&terraform)?, &mutation.caught_by))
}

fn read(verdict: Verdict, caught_by: &str) -> Outcome {
    if verdict.passed.iter().any(|name| name == caught_by) {
        return Outcome::Survived;
    }
    let mut others = Vec::new();
    for (name, why) in verdict.failed {
        if name == caught_by {
            return Outcome::Caught(one_line(&why));
        }
        others.push(format!("{name}: {}", one_line(&why)));
    }
    if others.is_empty() {
        others.push("no run has that name".to_owned());
    }
    Outcome::NotRun(others.join("; "))
}

/// `modules/x/y.tf` → `terraform/modules/x`.
fn folder_of(file: &str) -> String {
    let depth = if file.starts_with("modules/") || file.starts_with("environments/") {
        2
    } else {
        1
    };
    let parts: Vec<_> = file.split('/').take(depth).collect();
    format!("terraform/{}", parts.join("/"))
}

fn one_line(text: &str) -> String {
    text.split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
        .replace('|', "\\|")
}

#[cfg(test)]
mod tests {
    use super::{Outcome, Verdict, folder_of, read};

    #[test]
    fn a_test_that_terraform_did_not_reach_is_no_survivor() {
        let verdict = |passed: &[&str], failed: &[(&str, &str)]| Verdict {
            passed: passed.iter().map(|&name| name.to_owned()).collect(),
            failed: failed
                .iter()
                .map(|&(name, why)| (name.to_owned(), why.to_owned()))
                .collect(),
        };
        let judged = |passed, failed| read(verdict(passed, failed), "is_private");
        assert_eq!(judged(&["is_private"], &[("other", "")]), Outcome::Survived);
        assert_eq!(
            judged(&[], &[("is_private", "public\nnodes")]),
            Outcome::Caught("public nodes".to_owned())
        );
        assert_eq!(
            judged(&["other"], &[("first", "the plugin did not start")]),
            Outcome::NotRun("first: the plugin did not start".to_owned())
        );
        assert_eq!(
            judged(&["other"], &[]),
            Outcome::NotRun("no run has that name".to_owned())
        );
    }

    #[test]
    fn a_mutation_is_tested_where_its_file_is() {
        assert_eq!(
            folder_of("modules/cluster/cluster.tf"),
            "terraform/modules/cluster"
        );
        assert_eq!(folder_of("bootstrap/accounts.tf"), "terraform/bootstrap");
        assert_eq!(
            folder_of("modules/platform/charts/routes/templates/tools.yaml"),
            "terraform/modules/platform"
        );
    }
}
