//! Virtual environments of Python with exactly the packages that a `requirements.txt` lists.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use xtask::failure::{Failure, Kind};
use xtask::run_tool::tool;
use xtask::tools;

/// The folder of the programs in `<folder>/venv`, which is made again when the requirements have changed.
pub(super) fn install(folder: &Path, requirements: &Path) -> Result<PathBuf> {
    let wanted = std::fs::read_to_string(requirements)
        .with_context(|| format!("cannot read {}", requirements.display()))?;
    let environment = std::path::absolute(folder.join("venv"))?;
    let programs = environment.join("bin");
    let installed = environment.join("installed.txt");
    if std::fs::read_to_string(&installed).is_ok_and(|text| text == wanted) {
        return Ok(programs);
    }
    if !tools::is_installed("python3") {
        return Err(tools::missing("python3"));
    }
    // An incomplete installation must not pass for a complete one.
    let _ = std::fs::remove_dir_all(&environment);
    tool("python3")
        .args(["-m", "venv"])
        .arg(&environment)
        .output()
        .and_then(|_| {
            tool(programs.join("pip").display().to_string())
                .args(["install", "--quiet", "--disable-pip-version-check"])
                .args(["--no-deps", "--requirement"])
                .arg(requirements)
                .output()
        })
        .map_err(|error| {
            let why = error
                .downcast_ref::<Failure>()
                .map_or_else(|| error.to_string(), |failure| failure.why.clone());
            let what = format!("the packages of {} cannot be installed", requirements.display());
            let next = "PyPI must be reachable once (pip's settings can name a mirror), and python3-venv must be installed";
            Failure::new(Kind::Missing, what, why, next)
        })?;
    std::fs::write(installed, wanted)?;
    Ok(programs)
}
