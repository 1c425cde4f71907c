//! Terraform: modules, environments and bootstrap, proven as far as possible without a cloud.
//!
//! Everything runs in a copy below `target/`, so that no lock file or provider lands among the sources. A stage without
//! its tool is reported as not proven; the other stages still run.

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
use xtask::generated::Generated;
use xtask::run_tool::tool;

pub(crate) use mutations::run as run_mutations;

/// The tables in the READMEs of modules and environments.
pub(crate) fn module_readmes() -> Result<Vec<Generated>> {
    readmes::generated()
}

/// The prices in terraform/README.md.
pub(crate) fn prices() -> Result<Vec<Generated>> {
    terraform::require()?;
    Ok(vec![plans::prices(&Copy::make(Path::new(WORK))?)?])
}

/// Directory of the checks' copies and providers.
const WORK: &str = "target/check-terraform";

/// Directory of the environments' Prometheus rules.
const RULES: &str = "prometheus/rules";

/// A stage: its name and function; the returned text says what was proven.
type Stage<'a> = (&'a str, &'a dyn Fn() -> Result<String>);

pub(crate) fn run() -> Result<()> {
    terraform::require()?;
    if !Path::new(RULES).is_dir() {
        return Err(Failure::new(
            Kind::Missing,
            format!("Terraform: not proven: {RULES} does not exist"),
            "the environments install the rules in it, and refuse monitoring without any",
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
            printing::eprintln!("  {GREEN}ok{GREEN:#}     {name}: {proven} ({seconds:.0} s)");
        }
        Err(_) => printing::eprintln!("  {RED}not ok{RED:#} {name} ({seconds:.0} s)"),
    }
}

fn conclude(failed: &[&str], unproven: &[&str]) -> Result<()> {
    let next = "fix the problems above, then: cargo xtask check terraform";
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
        return Ok("formatted by terraform fmt".to_owned());
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

/// `cargo xtask infra`, with the real Terraform, its built-in provider and a stand-in for gcloud.
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
            "the commands, with the real Terraform: private plans, confirmation by name, refusals, Ctrl-C"
                .to_owned(),
        );
    }
    let why = String::from_utf8_lossy(&outcome.stdout).into_owned()
        + &String::from_utf8_lossy(&outcome.stderr);
    let next = "cargo test --package xtask-terraform infra:: -- --include-ignored";
    Err(Failure::new(Kind::Check, "plans are not handled correctly", why, next).into())
}

/// Names of members, which Terraform silently drops if the type does not have them.
fn spelling() -> Result<String> {
    let folders = folders()?;
    for folder in &folders {
        spelling::check(Path::new(folder))?;
    }
    Ok(format!(
        "every member of an object argument in {} directories exists in its variable's type",
        folders.len()
    ))
}

/// Every directory with Terraform files, by its path in the repository.
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

/// Initialises a directory of the copy. Unavailable providers make the stage unproven, not failed.
fn initialise(copy: &Copy, folder: &str) -> Result<terraform::Terraform> {
    initialise_as(copy, folder, &["-backend=false"])
}

/// The same for a directory to plan: its state is a local file in the copy.
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
            "the providers are unavailable",
            words,
            "make registry.terraform.io reachable once, or configure a mirror: TF_CLI_CONFIG_FILE=…/terraform.rc",
        )
        .into());
    }
    Err(Failure::new(
        Kind::Check,
        format!("terraform init fails in {folder}"),
        words,
        "fix what it reports",
    )
    .into())
}
