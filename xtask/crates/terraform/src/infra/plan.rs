//! A saved plan: created, read, applied exactly as shown, and removed.
//!
//! The plan file contains secrets, so it is in the root's private working directory and is removed on drop, however the
//! command ends.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context, Result};

use crate::infra::root::Root;
use crate::infra::summary::Summary;
use crate::infra::terraform::Terraform;
use xtask::failure::{Failure, Kind};
use xtask::interrupt;

/// How long a command waits for another's lock on the state.
const LOCK_TIMEOUT: &str = "-lock-timeout=60s";

/// A plan on disk and its changes.
pub(crate) struct SavedPlan {
    terraform: Terraform,
    file: PathBuf,
    json: String,
    /// Its changes.
    pub(crate) summary: Summary,
}

impl SavedPlan {
    /// Plans changes, or the destruction of everything.
    pub(crate) fn make(root: &Root, terraform: Terraform, extra: &[String]) -> Result<Self> {
        root.make_work_folder()?;
        remove_abandoned(&root.work);
        // Each command has its own file: what was shown is applied, even if another command plans meanwhile.
        let name = format!("plan-{}-{}.tfplan", std::process::id(), next_number());
        let file = std::path::absolute(root.work.join(name))?;
        let mut plan = Self {
            terraform,
            file,
            json: String::new(),
            summary: Summary {
                changes: Vec::new(),
                outputs: 0,
            },
        };
        // Recorded instead of ending the process, so that the plan file is removed too.
        interrupt::watch()?;
        plan.terraform
            .command("plan")
            .args(["-input=false", "-no-color", LOCK_TIMEOUT])
            .arg(format!("-out={}", plan.file.display()))
            .args(extra)
            .output()
            .map_err(interrupted_or)?;
        plan.close_to_others()?;
        plan.json = plan
            .terraform
            .command("show")
            .arg("-json")
            .arg(&plan.file)
            .quiet()
            .output()?;
        plan.summary = Summary::read(&plan.json)?;
        Ok(plan)
    }

    /// The plan as JSON.
    pub(crate) fn json(&self) -> &str {
        &self.json
    }

    /// The plan as text.
    pub(crate) fn text(&self) -> Result<String> {
        self.terraform
            .command("show")
            .args(colour())
            .arg(&self.file)
            .quiet()
            .output()
    }

    /// Applies exactly what was shown.
    pub(crate) fn apply(&self) -> Result<()> {
        // Terraform receives Ctrl-C itself and stops after the current resource; exiting earlier would orphan it.
        interrupt::watch()?;
        self.terraform
            .command("apply")
            .args(["-input=false", LOCK_TIMEOUT])
            .args(colour())
            .arg(&self.file)
            .run()
            .map_err(interrupted_or)
    }

    fn close_to_others(&self) -> Result<()> {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(&self.file, std::fs::Permissions::from_mode(0o600))
            .with_context(|| format!("cannot restrict access to {}", self.file.display()))
    }
}

/// Terraform's colours, on a terminal.
fn colour() -> Option<&'static str> {
    (!std::io::stdout().is_terminal()).then_some("-no-color")
}

/// Distinguishes the plans of one process.
fn next_number() -> u32 {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    NUMBER.fetch_add(1, Ordering::Relaxed)
}

/// Removes plans of killed commands, because they contain secrets.
fn remove_abandoned(work: &Path) {
    for entry in std::fs::read_dir(work).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let owner = name
            .to_str()
            .and_then(|name| {
                name.strip_prefix("plan-")?
                    .strip_suffix(".tfplan")?
                    .split('-')
                    .next()
            })
            .and_then(|owner| owner.parse::<u32>().ok());
        if owner.is_some_and(|owner| !Path::new("/proc").join(owner.to_string()).exists())
            && Path::new("/proc/self").exists()
        {
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

/// Terraform exits with 1 if interrupted; the error distinguishes the two.
fn interrupted_or(error: anyhow::Error) -> anyhow::Error {
    if interrupt::requested() {
        let next =
            "what was applied so far is in the state: run the same command again to continue";
        return Failure::new(
            Kind::Interrupted,
            "interrupted; Terraform has stopped cleanly",
            "",
            next,
        )
        .into();
    }
    error
}

impl Drop for SavedPlan {
    fn drop(&mut self) {
        // It may never have been written.
        let _ = std::fs::remove_file(&self.file);
    }
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
