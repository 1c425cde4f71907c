//! Lints: clippy with the workspace's lints has no warning for any target.

use anyhow::Result;

use xtask::run_tool::tool;

pub(crate) fn run() -> Result<()> {
    tool("cargo")
        .args([
            "clippy",
            "--workspace",
            "--all-targets",
            "--all-features",
            "--locked",
            "--",
            "--deny",
            "warnings",
        ])
        .run()
}
