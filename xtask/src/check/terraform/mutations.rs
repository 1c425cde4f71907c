//! Breaks one control after the other and sees that its test fails: a test that cannot fail proves nothing.
//!
//! The mutations are data (`terraform/mutations.toml`). Each is made in the copy, tested, and taken back.

use std::path::Path;

use anyhow::{Context, Result};
use serde::Deserialize;

use super::{WORK, controls, initialise, plans, suites};
use crate::failure::{Failure, Kind};
use crate::infra::copy::Copy;
use crate::infra::terraform;
use crate::interrupt;

const FILE: &str = "terraform/mutations.toml";

#[derive(Deserialize)]
struct Mutations {
    mutation: Vec<Mutation>,
}

#[derive(Deserialize)]
struct Mutation {
    /// What is broken.
    control: String,
    /// The file, below terraform/.
    file: String,
    from: String,
    to: String,
    /// The run that must fail in the tests of the file's own folder, or `plan of <environment>: <control>`.
    caught_by: String,
}

/// Runs the mutations named, or all; prints the table.
pub(crate) fn run(names: &[String]) -> Result<()> {
    terraform::require()?;
    let text = std::fs::read_to_string(FILE).with_context(|| format!("cannot read {FILE}"))?;
    let all: Mutations =
        toml::from_str(&text).with_context(|| format!("{FILE} is not well formed"))?;
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
    let mut survived = Vec::new();
    println!("| control broken | how | caught by | what it said |\n| --- | --- | --- | --- |");
    for mutation in &chosen {
        interrupt::check()?;
        let said = caught(&copy, mutation)?;
        let by = said
            .as_ref()
            .map_or("**nothing**", |_| mutation.caught_by.as_str());
        println!(
            "| {} | `{}` → `{}` | {by} | {} |",
            mutation.control,
            one_line(&mutation.from),
            one_line(&mutation.to),
            said.as_deref().unwrap_or_default()
        );
        if said.is_none() {
            survived.push(mutation.control.as_str());
        }
    }
    if survived.is_empty() {
        anstream::eprintln!(
            "{} mutations, {} caught by the test that is there for it",
            chosen.len(),
            chosen.len()
        );
        return Ok(());
    }
    let next = "write the assertion that fails when the control is gone";
    Err(Failure::new(
        Kind::Check,
        format!("{} mutations were not caught", survived.len()),
        survived.join("\n"),
        next,
    )
    .into())
}

fn caught(copy: &Copy, mutation: &Mutation) -> Result<Option<String>> {
    let path = copy.path(&format!("terraform/{}", mutation.file));
    let original = std::fs::read_to_string(&path)
        .with_context(|| format!("cannot read {}", path.display()))?;
    anyhow::ensure!(
        original.matches(&mutation.from).count() == 1,
        "{FILE}: {} must hold {:?} exactly once",
        mutation.file,
        mutation.from
    );
    std::fs::write(&path, original.replacen(&mutation.from, &mutation.to, 1))?;
    let said = what_failed(copy, mutation);
    std::fs::write(&path, original)?;
    said
}

fn what_failed(copy: &Copy, mutation: &Mutation) -> Result<Option<String>> {
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
            .map(|(_, why)| one_line(&why)));
    }
    let folder = folder_of(&mutation.file);
    let terraform = initialise(copy, &folder)?;
    let verdict = suites::test(&terraform)?;
    Ok(verdict
        .failed
        .into_iter()
        .find(|(name, _)| *name == mutation.caught_by)
        .map(|(_, why)| one_line(&why)))
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
    use super::folder_of;

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
