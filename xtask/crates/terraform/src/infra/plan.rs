//! A saved plan: made, read, applied exactly as it was shown, and removed.
//!
//! The plan file holds all that Terraform knows, so it lies in the root's closed work folder and is gone when the
//! value is dropped, however the command ends.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context, Result};

use crate::infra::root::Root;
use crate::infra::summary::Summary;
use crate::infra::terraform::Terraform;
use xtask::failure::{Failure, Kind};
use xtask::interrupt;

/// How long a command waits for somebody else's lock on the state.
const LOCK_TIMEOUT: &str = "-lock-timeout=60s";

/// A plan on disk, with what it would do.
pub(crate) struct SavedPlan {
    terraform: Terraform,
    file: PathBuf,
    json: String,
    /// What it would change.
    pub(crate) summary: Summary,
}

impl SavedPlan {
    /// Plans changes, or the destruction of everything.
    pub(crate) fn make(root: &Root, terraform: Terraform, extra: &[String]) -> Result<Self> {
        root.make_work_folder()?;
        remove_abandoned(&root.work);
        // Each command has a file of its own: what was shown is applied, whoever else plans meanwhile.
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
        // Noted, not obeyed at once, so that the plan file goes too.
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

    /// The plan as Terraform describes it to machines.
    pub(crate) fn json(&self) -> &str {
        &self.json
    }

    /// The plan as Terraform describes it to people.
    pub(crate) fn text(&self) -> Result<String> {
        self.terraform
            .command("show")
            .args(colour())
            .arg(&self.file)
            .quiet()
            .output()
    }

    /// Does what was shown, and nothing that has come up since.
    pub(crate) fn apply(&self) -> Result<()> {
        // Terraform gets Ctrl-C itself and ends after the resource in hand; leaving before it would orphan it.
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
            .with_context(|| format!("cannot close {} to others", self.file.display()))
    }
}

/// Terraform's own colours, where somebody sees them.
fn colour() -> Option<&'static str> {
    (!std::io::stdout().is_terminal()).then_some("-no-color")
}

/// Tells the plans of one process apart.
fn next_number() -> u32 {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    NUMBER.fetch_add(1, Ordering::Relaxed)
}

/// Removes plans whose command was killed before it could: they hold all that Terraform knows.
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

/// Terraform ends with 1 when it was interrupted; the caller is told which it was.
fn interrupted_or(error: anyhow::Error) -> anyhow::Error {
    if interrupt::requested() {
        let next = "what was applied so far is in the state: run the same command again to go on";
        return Failure::new(
            Kind::Interrupted,
            "interrupted; Terraform has stopped in order",
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
