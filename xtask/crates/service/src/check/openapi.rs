//! The OpenAPI document: the file in the repository matches the code, and no client of the last release breaks.
//!
//! The document of the last release is `docs/openapi/released.json`. It is replaced when a version is released, never
//! to silence this check.

mod operations;
mod schemas;
#[cfg(test)]
mod tests;

use anyhow::{Context, Result};
use serde_json::Value;

use roster_dev::local_roster::service;
use xtask::failure::{Failure, Kind};
use xtask::generated::{Generated, Mode, apply};
use xtask::run_tool::tool;

/// The current document.
const DOCUMENT: &str = "service/openapi.json";
/// The document of the last release.
const RELEASED: &str = "docs/openapi/released.json";

pub(crate) fn run() -> Result<()> {
    let file = generated()?;
    let present = file.text.clone().unwrap_or_default();
    apply("openapi", &[file], Mode::Compare)?;
    let released = std::fs::read_to_string(RELEASED)
        .with_context(|| format!("cannot read {RELEASED}, the document of the last release"))?;
    let released: Value =
        serde_json::from_str(&released).with_context(|| format!("{RELEASED} is not valid JSON"))?;
    let broken = operations::breaks(&released, &serde_json::from_str(&present)?);
    let version = released["info"]["version"].as_str().unwrap_or("?");
    if broken.is_empty() {
        let count = operations::count(&released);
        printing::eprintln!(
            "{DOCUMENT} matches the code; the {count} operations of release {version} are compatible"
        );
        return Ok(());
    }
    let next = "keep the released form as well, or serve the change under another API version; only a release \
        replaces docs/openapi/released.json";
    Err(Failure::new(
        Kind::Check,
        format!(
            "{} changes break clients of release {version}",
            broken.len()
        ),
        broken.join("\n"),
        next,
    )
    .into())
}

/// The document as the program prints it.
pub(crate) fn generated() -> Result<Generated> {
    let program = service::build(false)?.display().to_string();
    Ok(Generated::new(
        DOCUMENT,
        tool(program).arg("openapi").output()?,
    ))
}
