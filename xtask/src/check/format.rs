//! Formatting: rustfmt agrees with every Rust file of the workspace.

use anyhow::Result;

use xtask::run_tool::tool;

pub(crate) fn run() -> Result<()> {
    tool("cargo").args(["fmt", "--all", "--check"]).run()
}
