//! The areas of `cargo xtask check` that read sources.

mod docs;
mod layers;

use anyhow::Result;

/// Checks the area of this name.
pub(crate) fn run(area: &str) -> Result<()> {
    match area {
        "layers" => layers::run(),
        _ => docs::run(),
    }
}
