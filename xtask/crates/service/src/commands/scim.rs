//! `cargo xtask e2e scim`: tests SCIM of a running Roster with scim2-tester, as scim2-cli runs it. An error and a skipped
//! check both fail: what Roster declares is what is tested.

use std::path::Path;

use anyhow::Result;

use crate::commands::python_environment;
use roster_dev::local_roster::LocalRoster;
use xtask::failure::{Failure, Kind};
use xtask::interrupt;
use xtask::run_tool::tool;

/// The versions of scim2-cli and what it needs.
const REQUIREMENTS: &str = "service/contract/scim/requirements.txt";
/// Where they are installed.
const FOLDER: &str = "target/contract/scim";

pub(crate) fn run() -> Result<()> {
    interrupt::watch()?;
    let programs = python_environment::install(Path::new(FOLDER), Path::new(REQUIREMENTS))?;
    let flags = ["--scim".to_owned()];
    let roster = LocalRoster::start_with("cargo xtask e2e scim", Path::new(FOLDER), &flags)?;
    let authorization = format!("Authorization: Bearer {}", roster.scim_token());
    let mut command = tool(programs.join("scim2").display().to_string())
        .secret_env("SCIM_CLI_HEADERS", &authorization)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .args(["--url", &format!("{}/scim/v2", roster.url())])
        .args(["test", "--verbose"]);
    let status = command.status()?;
    roster.demand_clean_log()?;
    if status.success() {
        return Ok(());
    }
    Err(Failure::new(
        Kind::Check,
        "Roster does not pass the SCIM tester",
        format!("scim2 exited with {status}; its output is above"),
        "fix the service; a check that is skipped counts as failed, since it is of something that is declared",
    )
    .into())
}
