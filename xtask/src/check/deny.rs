//! Dependencies: what `deny.toml` allows of licences, advisories, sources and duplicates.

use anyhow::Result;

use crate::run_tool::tool;
use crate::tools;

pub(crate) fn run() -> Result<()> {
    if !tools::is_installed("cargo-deny") {
        return Err(tools::missing("cargo-deny"));
    }
    tool("cargo")
        .args([
            "deny",
            "--all-features",
            "--locked",
            "check",
            "--hide-inclusion-graph",
        ])
        .run()
}
