//! `cargo xtask compile`: everything compiles with the committed lock file.

use anyhow::Result;

use xtask::run_tool::tool;

pub(crate) fn run() -> Result<()> {
    tool("cargo")
        .args(["build", "--workspace", "--all-targets", "--locked"])
        .run()
}
