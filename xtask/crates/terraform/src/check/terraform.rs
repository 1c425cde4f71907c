//! Terraform: modules, environments and bootstrap, proven as far as that goes without a cloud.
//!
//! Everything runs in a copy below `target/`, so that no lock file or provider lands among the sources. A stage that
//! lacks its tool is named as not proven; the other stages run all the same.

mod controls;
mod environments;
mod lint;
mod mutations;
mod parallel;
mod plans;
mod readmes;
mod refusals;
mod suites;

use std::path::Path;
use std::time::Instant;

use anstyle::{AnsiColor, Style};
use anyhow::{Context, Result};

use crate::infra::copy::Copy;
use crate::infra::{spelling, terraform};
use xtask::failure::{self, Failure, Kind};
use xtask::run_tool::tool;

pub(crate) use mutations::run as run_mutations;

/// Where copies and providers of the checks lie.
const WORK: &str = "target/check-terraform";

/// Where the environments read their Prometheus rules from.
const RULES: &str = "prometheus/rules";

/// A stage: its name, and what it does; the text says what was proven.
type Stage<'a> = (&'a str, &'a dyn Fn() -> Result<String>);

pub(crate) fn run() -> Result<()> {
    terraform::require()?;
    if !Path::new(RULES).is_dir() {
        return Err(Failure::new(
            Kind::Missing,
            format!("Terraform: not proven: {RULES} is not there"),
            "the environments install the rules that are in it, and refuse to watch without any",
            format!("add rules to {RULES}"),
        )
        .into());
    }
    let copy = Copy::make(Path::new(WORK))?;
    let stages: [Stage<'_>; 10] = [
        ("format", &format),
        ("spelling", &spelling),
        ("READMEs", &readmes::run),
        ("environments", &environments::run),
        ("plan, apply, destroy", &commands),
        ("tests", &|| suites::run(&copy)),
        ("plans and controls", &|| plans::run(&copy)),
        ("refused inputs", &refusals::run),
        ("tflint", &lint::tflint),
        ("checkov", &|| lint::checkov(&copy)),
    ];
    let mut failed = Vec::new();
    let mut unproven = Vec::new();
    for (name, stage) in stages {
        let begun = Instant::now();
        let outcome = stage();
        print_stage(name, &outcome, begun.elapsed().as_secs_f64());
        if let Err(error) = outcome {
            failure::report(&error);
            let missing = failure::exit_code(&error) == Kind::Missing.exit_code();
            if missing { &mut unproven } else { &mut failed }.push(name);
        }
    }
    conclude(&failed, &unproven)
}

fn print_stage(name: &str, outcome: &Result<String>, seconds: f64) {
    const GREEN: Style = AnsiColor::Green.on_default();
    const RED: Style = AnsiColor::Red.on_default();
    match outcome {
        Ok(proven) => {
            anstream::eprintln!("  {GREEN}ok{GREEN:#}     {name}: {proven} ({seconds:.0} s)");
        }
        Err(_) => anstream::eprintln!("  {RED}not ok{RED:#} {name} ({seconds:.0} s)"),
    }
}

fn conclude(failed: &[&str], unproven: &[&str]) -> Result<()> {
    let next = "mend what is said above, then: cargo xtask check terraform";
    if !failed.is_empty() {
        return Err(Failure::new(
            Kind::Check,
            format!("Terraform: failed: {}", failed.join(", ")),
            "",
            next,
        )
        .into());
    }
    if !unproven.is_empty() {
        let what = format!("Terraform: not proven: {}", unproven.join(", "));
        return Err(Failure::new(Kind::Missing, what, "a tool is missing", next).into());
    }
    Ok(())
}

fn format() -> Result<String> {
    let outcome = tool("terraform")
        .args([
            "fmt",
            "-check",
            "-recursive",
            "-diff",
            "-no-color",
            "terraform",
        ])
        .outcome()?;
    if outcome.status.success() {
        return Ok("as terraform fmt writes it".to_owned());
    }
    let why = String::from_utf8_lossy(&outcome.stdout).into_owned()
        + &String::from_utf8_lossy(&outcome.stderr);
    Err(Failure::new(
        Kind::Check,
        "Terraform files are not formatted",
        why,
        "terraform fmt -recursive terraform",
    )
    .into())
}

/// `cargo xtask infra`, against the real Terraform with what it has built in and a stand-in of gcloud.
fn commands() -> Result<String> {
    let outcome = tool("cargo")
        .args([
            "test",
            "--quiet",
            "--package",
            "xtask-terraform",
            "infra::",
            "--",
            "--include-ignored",
        ])
        .outcome()?;
    if outcome.status.success() {
        return Ok(
            "the commands, against the real Terraform: private plans, consent by name, refusals, Ctrl-C"
                .to_owned(),
        );
    }
    let why = String::from_utf8_lossy(&outcome.stdout).into_owned()
        + &String::from_utf8_lossy(&outcome.stderr);
    let next = "cargo test --package xtask-terraform infra:: -- --include-ignored";
    Err(Failure::new(Kind::Check, "plans are not handled as promised", why, next).into())
}

/// Names of members, which Terraform drops without a word where the type does not know them.
fn spelling() -> Result<String> {
    let folders = folders()?;
    for folder in &folders {
        spelling::check(Path::new(folder))?;
    }
    Ok(format!(
        "every member of an object argument in {} folders is known to its variable",
        folders.len()
    ))
}

/// Every folder with Terraform files of its own, by its path in the repository.
fn folders() -> Result<Vec<String>> {
    let mut found = vec!["terraform/bootstrap".to_owned()];
    for parent in ["terraform/modules", "terraform/environments"] {
        for entry in std::fs::read_dir(parent).with_context(|| format!("cannot read {parent}"))? {
            let entry = entry?;
            if entry.path().join("versions.tf").is_file() {
                found.push(format!("{parent}/{}", entry.file_name().to_string_lossy()));
            }
        }
    }
    found.sort();
    Ok(found)
}

/// Initialises a folder of the copy. Providers that cannot be had make the stage unproven, not failed.
fn initialise(copy: &Copy, folder: &str) -> Result<terraform::Terraform> {
    initialise_as(copy, folder, &["-backend=false"])
}

/// The same for a folder that is planned: its state is a local file of the copy.
fn initialise_with_state(copy: &Copy, folder: &str) -> Result<terraform::Terraform> {
    initialise_as(copy, folder, &["-reconfigure"])
}

fn initialise_as(copy: &Copy, folder: &str, extra: &[&str]) -> Result<terraform::Terraform> {
    let terraform = copy.terraform(folder)?;
    let outcome = terraform
        .command("init")
        .args(["-input=false", "-no-color"])
        .args(extra)
        .quiet()
        .outcome()?;
    if outcome.status.success() {
        return Ok(terraform);
    }
    let words = String::from_utf8_lossy(&outcome.stderr).into_owned();
    if words.contains("provider")
        && (words.contains("could not connect")
            || words.contains("Failed to query available provider packages"))
    {
        return Err(Failure::new(
            Kind::Missing,
            "the providers cannot be had",
            words,
            "reach registry.terraform.io once, or name a mirror of it: TF_CLI_CONFIG_FILE=…/terraform.rc",
        )
        .into());
    }
    Err(Failure::new(
        Kind::Check,
        format!("terraform init fails in {folder}"),
        words,
        "mend what it names",
    )
    .into())
}
