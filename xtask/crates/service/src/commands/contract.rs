//! `cargo xtask contract`: tests a running Roster against its OpenAPI document with schemathesis.
//!
//! Its configuration besides the document is in `service/contract`; this module installs and runs it.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::Value;

use crate::cli::ContractArgs;
use crate::commands::python_environment;
use roster_dev::local_roster::LocalRoster;
use xtask::failure::{Failure, Kind};
use xtask::interrupt;
use xtask::run_tool::tool;

/// The configuration of schemathesis.
const SETTINGS: &str = "service/contract";
/// Where it is installed, its requirements and outputs.
const FOLDER: &str = "target/contract";

pub(crate) fn run(args: &ContractArgs) -> Result<()> {
    interrupt::watch()?;
    let schemathesis = install()?;
    let roster = LocalRoster::start("cargo xtask contract", Path::new(FOLDER))?;
    let document = document()?;
    let (client_id, client_secret) = roster.client();
    let settings = std::path::absolute(SETTINGS)?;
    let mut command = tool(schemathesis.display().to_string())
        .secret_env("ROSTER_TOKEN", roster.token())
        .secret_env("ROSTER_CLIENT_ID", client_id)
        .secret_env("ROSTER_CLIENT_SECRET", client_secret)
        .env("ROSTER_CONTRACT_HOOKS", settings.join("hooks.py"))
        // Bytecode of the hooks must not end up among the sources.
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .arg("--config-file")
        .arg(settings.join("schemathesis.toml"))
        .arg("run")
        .arg(&document)
        .args(["--url", &roster.url(), "--checks", "all"])
        .args(["--max-examples", &args.examples.to_string()])
        .args(args.seed.map(|seed| format!("--seed={seed}")))
        .args(&args.more)
        .current_dir(FOLDER);
    let status = command.status()?;
    roster.demand_clean_log()?;
    if status.success() {
        return Ok(());
    }
    let next = "fix the service or its document; the curl lines above reproduce each case, and `cargo xtask \
        contract --seed N` generates the same ones";
    Err(Failure::new(
        Kind::Check,
        "Roster violates its API contract",
        format!("schemathesis exited with {status}; its output is above"),
        next,
    )
    .into())
}

/// The service's document, with QUERY where OpenAPI 3.2 and later expect it.
fn document() -> Result<PathBuf> {
    let text = std::fs::read_to_string("service/openapi.json")?;
    let mut document: Value = serde_json::from_str(&text)?;
    document["openapi"] = "3.2.0".into();
    for (_, item) in document["paths"].as_object_mut().into_iter().flatten() {
        if let Some(item) = item.as_object_mut()
            && let Some(query) = item.remove("x-query")
        {
            item.insert("query".to_owned(), query);
        }
    }
    let path = std::path::absolute(FOLDER)?.join("openapi-3.2.json");
    std::fs::write(&path, document.to_string())
        .with_context(|| format!("cannot write {}", path.display()))?;
    Ok(path)
}

/// schemathesis in its own virtual environment, with exactly the versions in `requirements.txt`.
fn install() -> Result<PathBuf> {
    let requirements = Path::new(SETTINGS).join("requirements.txt");
    let programs = python_environment::install(Path::new(FOLDER), &requirements)?;
    Ok(programs.join("schemathesis"))
}
