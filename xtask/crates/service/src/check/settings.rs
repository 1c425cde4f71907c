//! The tables of settings in the service's README, as the program prints them.

use anyhow::{Context, Result};

use roster_dev::local_roster::service;
use xtask::generated::{Generated, between};
use xtask::run_tool::tool;

const README: &str = "service/README.md";
const BEGIN: &str = "<!-- settings: begin -->\n";
const END: &str = "<!-- settings: end -->";

pub(crate) fn generated() -> Result<Generated> {
    let program = service::build(false)?.display().to_string();
    let tables = tool(program).arg("settings-tables").output()?;
    let readme =
        std::fs::read_to_string(README).with_context(|| format!("cannot read {README}"))?;
    let text = between(&readme, BEGIN, END, &format!("\n{}\n", tables.trim()))
        .with_context(|| format!("{README} has no place for its tables: {BEGIN}…{END}"))?;
    Ok(Generated::new(README, text))
}
