//! The table of exit codes in docs/delivery.md.

use std::fmt::Write as _;

use anyhow::{Context, Result};
use xtask::failure::Kind;
use xtask::generated::{Generated, between};

const PAGE: &str = "docs/delivery.md";
const BEGIN: &str = "<!-- exit codes: begin (cargo xtask generate) -->\n";
const END: &str = "<!-- exit codes: end -->";

pub(super) fn files() -> Result<Vec<Generated>> {
    let page = std::fs::read_to_string(PAGE).with_context(|| format!("cannot read {PAGE}"))?;
    let text = between(&page, BEGIN, END, &table())
        .with_context(|| format!("{PAGE} has no place for the table: {BEGIN}…{END}"))?;
    Ok(vec![Generated::new(PAGE, text)])
}

fn table() -> String {
    let mut table = String::from("| exit code | meaning |\n| --- | --- |\n| 0 | success |\n");
    for kind in Kind::ALL {
        let _ = writeln!(table, "| {} | {} |", kind.exit_code(), kind.meaning());
    }
    table
}
