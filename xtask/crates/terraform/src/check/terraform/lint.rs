//! tflint with its bundled rules, and checkov's policies.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::infra::copy::Copy;
use xtask::failure::{Failure, Kind};
use xtask::run_tool::tool;
use xtask::tools;

/// checkov with pinned dependencies: its policies change with every version.
const REQUIREMENTS: &str = "xtask/tools/checkov/requirements.txt";

pub(super) fn tflint() -> Result<String> {
    if !tools::is_installed("tflint") {
        return Err(tools::missing("tflint"));
    }
    let config = std::path::absolute("terraform/.tflint.hcl")?;
    let outcome = tool("tflint")
        .args(["--chdir=terraform", "--recursive", "--no-color"])
        .arg(format!("--config={}", config.display()))
        .outcome()?;
    if outcome.status.success() {
        return Ok(
            "every rule of the bundled ruleset, except those disabled with a reason".to_owned(),
        );
    }
    let why = String::from_utf8_lossy(&outcome.stdout).into_owned()
        + &String::from_utf8_lossy(&outcome.stderr);
    Err(Failure::new(
        Kind::Check,
        "tflint reported problems",
        why,
        "fix them; rules are disabled only in terraform/.tflint.hcl",
    )
    .into())
}

pub(super) fn checkov(copy: &Copy) -> Result<String> {
    let program = install_checkov()?;
    let folder = copy.path("terraform");
    let outcome = tool(program.display().to_string())
        .args([
            "--directory",
            &folder.display().to_string(),
            "--config-file",
            "terraform/.checkov.yaml",
            "--output",
            "json",
        ])
        .outcome()?;
    let text = String::from_utf8_lossy(&outcome.stdout);
    let report: serde_json::Value = serde_json::from_str(&text).with_context(|| {
        format!(
            "checkov gave no result: {}",
            String::from_utf8_lossy(&outcome.stderr)
        )
    })?;
    let failed: Vec<_> = report["results"]["failed_checks"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|check| {
            format!(
                "{} {} ({})",
                check["check_id"].as_str().unwrap_or("?"),
                check["check_name"].as_str().unwrap_or("?"),
                check["resource"].as_str().unwrap_or("?")
            )
        })
        .collect();
    let number = |name: &str| report["summary"][name].as_u64().unwrap_or_default();
    if failed.is_empty() && outcome.status.success() && number("passed") > 0 {
        return Ok(format!(
            "{} policies hold, {} exceptions explained in place",
            number("passed"),
            number("skipped")
        ));
    }
    let next = "fix them, or explain the exception in the resource: #checkov:skip=<id>:<why>";
    Err(Failure::new(
        Kind::Check,
        format!("checkov: {} policies are violated", failed.len()),
        failed.join("\n"),
        next,
    )
    .into())
}

/// checkov in its own virtual environment below target/, with exactly the pinned versions.
fn install_checkov() -> Result<PathBuf> {
    let folder = Path::new("target/tools/checkov");
    let program = std::path::absolute(folder.join("bin/checkov"))?;
    let pinned = std::fs::read_to_string(REQUIREMENTS)
        .with_context(|| format!("cannot read {REQUIREMENTS}"))?;
    // Written last: an incomplete installation, or one with other versions, is recreated.
    let stamp = folder.join("requirements.txt");
    if std::fs::read_to_string(&stamp).is_ok_and(|installed| installed == pinned)
        && program.is_file()
    {
        return Ok(program);
    }
    if !tools::is_installed("python3") {
        return Err(tools::missing("python3"));
    }
    let not_installed = |error: anyhow::Error| {
        let words = error
            .downcast_ref::<Failure>()
            .map(|failure| failure.why.clone())
            .unwrap_or_default();
        let next = "PyPI must be reachable once (pip's settings can name a mirror), and python3-venv must be installed";
        anyhow::Error::from(Failure::new(
            Kind::Missing,
            "checkov cannot be installed",
            words,
            next,
        ))
    };
    tool("python3")
        .args(["-m", "venv", "--clear", &folder.display().to_string()])
        .output()
        .map_err(not_installed)?;
    let pip = std::path::absolute(folder.join("bin/pip"))?;
    tool(pip.display().to_string())
        .args([
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "--no-deps",
            &format!("--requirement={REQUIREMENTS}"),
        ])
        .output()
        .map_err(not_installed)?;
    std::fs::write(&stamp, pinned).with_context(|| format!("cannot write {}", stamp.display()))?;
    Ok(program)
}
