//! `cargo xtask e2e scim-oracles`: generated SCIM filters and patches, answered by Roster and by other implementations.
//!
//! The implementations and their pinned versions are in `service/contract/scim-oracles`; the cases, and the list of known
//! differences, in the ignored test that this runs.

use std::path::Path;

use anyhow::{Context, Result};

use crate::cli::ScimOraclesArgs;
use xtask::failure::{Failure, Kind};
use xtask::run_tool::tool;
use xtask::tools;

const SOURCE: &str = "service/contract/scim-oracles";
const FOLDER: &str = "target/contract/scim-oracles";
const TEST: &str =
    "http::scim::protocol::oracles::filters_and_patches_have_the_results_of_the_oracles";

pub(crate) fn run(args: &ScimOraclesArgs) -> Result<()> {
    for program in ["node", "npm"] {
        if !tools::is_installed(program) {
            return Err(tools::missing(program));
        }
    }
    let folder = std::path::absolute(FOLDER)?;
    std::fs::create_dir_all(&folder)
        .with_context(|| format!("cannot create {}", folder.display()))?;
    for name in ["answer.js", "package.json", "package-lock.json"] {
        std::fs::copy(Path::new(SOURCE).join(name), folder.join(name))
            .with_context(|| format!("cannot copy {SOURCE}/{name}"))?;
    }
    tool("npm")
        .current_dir(&folder)
        .args(["ci", "--no-audit", "--no-fund", "--ignore-scripts"])
        .output()?;
    let said = tool("cargo")
        .env("ROSTER_SCIM_ORACLES", &folder)
        .env("ROSTER_SCIM_ORACLES_SEED", args.seed.to_string())
        .args(["test", "--workspace", "--locked", "--lib", "--", TEST])
        .args(["--exact", "--ignored", "--nocapture"])
        .outcome()?;
    let text = String::from_utf8_lossy(&said.stdout);
    let results: Vec<&str> = text
        .lines()
        .filter(|line| {
            line.starts_with("filters:") || line.starts_with("patches:") || line.starts_with("  ")
        })
        .collect();
    printing::println!("{}", results.join("\n"));
    // Exit code 0 alone could mean that nothing ran.
    let both = ["filters:", "patches:"].map(|kind| text.contains(kind));
    if said.status.success() && both == [true, true] {
        return Ok(());
    }
    let faults = String::from_utf8_lossy(&said.stderr);
    let fault = faults
        .find(" panicked at ")
        .map_or(&*faults, |start| &faults[start..]);
    Err(Failure::new(
        Kind::Check,
        "SCIM filters or patches differ from those of the oracles",
        fault.trim(),
        "decide by RFC 7644; fix service/src/http/scim/protocol, or list the difference there and in the documents",
    )
    .into())
}
