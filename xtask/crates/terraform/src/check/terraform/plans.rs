//! Plans both environments for an empty project, and checks the controls on everything in them.
//!
//! `terraform test` sees a module's own resources; this sees the whole environment as it would be applied.

use std::path::Path;

use anyhow::{Context, Result};
use serde_json::Value;

use super::controls;
use super::parallel::in_parallel;
use crate::infra::copy::Copy;
use crate::infra::plan::SavedPlan;
use crate::infra::price;
use crate::infra::root::{self, BOOTSTRAP, Root};
use crate::infra::summary::Action;
use xtask::failure::{Failure, Kind};

const README: &str = "terraform/README.md";

pub(super) fn run(copy: &Copy) -> Result<String> {
    let mut said = Vec::new();
    let mut names = root::names()?;
    names.retain(|name| name != BOOTSTRAP);
    let plans = in_parallel(&names, |_, name| plan(copy, name));
    for (name, planned) in names.iter().zip(plans) {
        let planned = planned?;
        let broken = controls::broken(&planned.plan);
        if !broken.is_empty() {
            let lines: Vec<_> = broken
                .iter()
                .map(|(control, why)| format!("{control}: {why}"))
                .collect();
            return Err(Failure::new(
                Kind::Check,
                format!("{} controls are violated in the plan of {name}", broken.len()),
                lines.join("\n"),
                "fix the module in the address; the controls are in xtask/crates/terraform/src/check/terraform/controls.rs",
            )
            .into());
        }
        check_price(name, &planned.price)?;
        printing::eprintln!("         {name}, as shown by `cargo xtask infra plan`:");
        for line in planned.summary.lines() {
            printing::eprintln!("         {line}");
        }
        said.push(format!(
            "{name}: {} resources, {} controls",
            planned.added,
            controls::count()
        ));
    }
    Ok(said.join("; "))
}

/// The parts of a plan that the checks use.
pub(super) struct Planned {
    pub(super) plan: Value,
    added: usize,
    /// As `infra plan` prints it.
    summary: String,
    price: String,
}

/// Plans an environment of the copy with its example settings.
pub(super) fn plan(copy: &Copy, name: &str) -> Result<Planned> {
    let folder = format!("terraform/environments/{name}");
    copy.use_local_state(&folder)?;
    let terraform = super::initialise_with_state(copy, &folder)?;
    let root = Root {
        name: name.to_owned(),
        folder: copy.path(&folder),
        work: Path::new(super::WORK).join("plans").join(name),
    };
    let saved = SavedPlan::make(
        &root,
        terraform,
        &["-var-file=terraform.tfvars.example".to_owned()],
    )?;
    let price = price::table(&price::items(saved.json())?);
    let plan = serde_json::from_str(saved.json()).context("a plan is JSON")?;
    Ok(Planned {
        plan,
        added: saved.summary.count(Action::Add),
        summary: saved.summary.render(),
        price,
    })
}

/// Fails if the price in the README is not the computed one.
fn check_price(name: &str, price: &str) -> Result<()> {
    let readme =
        std::fs::read_to_string(README).with_context(|| format!("cannot read {README}"))?;
    if readme.contains(price) {
        return Ok(());
    }
    Err(Failure::new(
        Kind::Check,
        format!("the price of {name} in {README} differs from its plan"),
        "the configuration or terraform/prices.toml has changed",
        format!("replace its table with:\n\n{price}"),
    )
    .into())
}
