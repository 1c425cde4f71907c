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
use xtask::generated::{Generated, Mode, apply};

const README: &str = "terraform/README.md";

pub(super) fn run(copy: &Copy) -> Result<String> {
    let mut said = Vec::new();
    let names = environments()?;
    let mut prices = Vec::new();
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
        prices.push((name.clone(), planned.price));
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
    apply("prices", &[with_prices(&prices)?], Mode::Compare)?;
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

/// The README with the price of every environment, as planned.
pub(super) fn prices(copy: &Copy) -> Result<Generated> {
    let names = environments()?;
    let plans = in_parallel(&names, |_, name| plan(copy, name));
    let mut tables = Vec::new();
    for (name, planned) in names.into_iter().zip(plans) {
        tables.push((name, planned?.price));
    }
    with_prices(&tables)
}

fn environments() -> Result<Vec<String>> {
    let mut names = root::names()?;
    names.retain(|name| name != BOOTSTRAP);
    Ok(names)
}

fn with_prices(tables: &[(String, String)]) -> Result<Generated> {
    let mut text =
        std::fs::read_to_string(README).with_context(|| format!("cannot read {README}"))?;
    for (name, table) in tables {
        text = with_price(&text, name, table).with_context(|| {
            format!("{README} has no heading `### {name}` with a table of prices")
        })?;
    }
    Ok(Generated::new(README, text))
}

/// The text with the table below the environment's heading replaced.
fn with_price(text: &str, name: &str, table: &str) -> Option<String> {
    let (before, rest) = text.split_once(&format!("### {name}\n\n"))?;
    let (old, after) = rest.split_once("\n\n")?;
    old.starts_with("| what |")
        .then(|| format!("{before}### {name}\n\n{table}\n{after}"))
}

#[cfg(test)]
mod tests {
    use super::with_price;

    #[test]
    fn only_the_table_of_the_environment_is_replaced() {
        let text = "### dev\n\n| what |\n| a |\n\n### production\n\n| what |\n| b |\n\nwords\n";
        let new = with_price(text, "production", "| what |\n| c |\n").expect("has a table");
        assert_eq!(new, text.replace("| b |", "| c |"));
        assert_eq!(with_price(text, "staging", ""), None);
    }
}
