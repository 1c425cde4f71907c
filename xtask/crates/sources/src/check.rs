//! The areas of `cargo xtask check` that read the repository's sources.

mod docs;
mod layers;
mod words;

use anyhow::Result;

pub(crate) fn run(area: &str) -> Result<()> {
    match area {
        "layers" => layers::run(),
        _ => docs::run(),
    }
}
