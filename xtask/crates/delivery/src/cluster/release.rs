//! The release: repairs a stuck one, upgrades, and rolls back.

use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;

use super::diagnosis::Observer;
use super::helm::{Helm, Revision};
use xtask::failure::{Failure, Kind};
use xtask::interrupt;
use xtask::run_tool::{Run, tool};

/// Records the helm process that we started, so that one that outlived us is waited for.
const HELM_PID: &str = "target/deploy-helm.pid";

/// How an upgrade ended.
pub(crate) enum Outcome {
    Done,
    Failed,
    Interrupted,
}

/// The revision that serves, if any.
pub(crate) fn serving(history: &[Revision]) -> Option<&Revision> {
    history
        .iter()
        .rev()
        .find(|revision| revision.status == "deployed")
}

/// The revision to roll back to: the last that served before the current one.
pub(crate) fn previous(history: &[Revision]) -> Option<&Revision> {
    let current = serving(history)?.number;
    history
        .iter()
        .rev()
        .find(|revision| revision.number < current && revision.status == "superseded")
}

/// Repairs a release whose last change never ended; returns its state.
pub(crate) fn repair(helm: &Helm, timeout: Duration) -> Result<Option<String>> {
    wait_for_orphan()?;
    let history = helm.history()?;
    let Some(last) = history.last() else {
        return Ok(None);
    };
    let stuck = last.status.starts_with("pending-") || last.status == "uninstalling";
    match serving(&history) {
        Some(serving) if stuck => carry(helm.rollback(serving.number, timeout))?,
        // A failed first install has no revision to roll back to, and helm cannot upgrade it.
        None if stuck || last.status == "failed" => carry(helm.uninstall(timeout))?,
        _ => return Ok(None),
    }
    Ok(Some(format!(
        "revision {} was {}",
        last.number, last.status
    )))
}

/// Runs helm upgrade while the observer watches. A rollout that cannot succeed is stopped.
pub(crate) fn upgrade(helm: &Helm, observer: &mut Observer, timeout: Duration) -> Result<Outcome> {
    let mut child = helm.upgrade(timeout).spawn()?;
    std::fs::write(HELM_PID, child.id().to_string())?;
    let mut broken_off: Option<Instant> = None;
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        thread::sleep(Duration::from_secs(1));
        // Helm received Ctrl-C from the terminal itself.
        if interrupt::requested() && broken_off.is_none() {
            broken_off = Some(Instant::now());
        }
        if broken_off.is_none() && observer.look() {
            anstream::eprintln!("  the rollout can no longer succeed: stopping it");
            tool("kill")
                .args(["-INT", &child.id().to_string()])
                .quiet()
                .run()?;
            broken_off = Some(Instant::now());
        }
        if broken_off.is_some_and(|since| since.elapsed() > Duration::from_secs(20)) {
            child.kill()?;
        }
    };
    let _ = std::fs::remove_file(HELM_PID);
    observer.look();
    if interrupt::requested() {
        return Ok(Outcome::Interrupted);
    }
    Ok(if status.success() {
        Outcome::Done
    } else {
        Outcome::Failed
    })
}

/// Rolls back to a revision that a person selected.
pub(crate) fn go_back_to(helm: &Helm, revision: u32, timeout: Duration) -> Result<()> {
    wait_for_orphan()?;
    carry(helm.rollback(revision, timeout))
}

/// Runs a helm command that changes the release, and records its process: it outlives us if we are killed.
fn carry(run: Run) -> Result<()> {
    let shown = run.shown().to_owned();
    let mut child = run.spawn()?;
    std::fs::write(HELM_PID, child.id().to_string())?;
    let status = child.wait()?;
    let _ = std::fs::remove_file(HELM_PID);
    if status.success() {
        return Ok(());
    }
    Err(Failure::new(
        Kind::Rollout,
        format!("`{shown}` failed"),
        format!("it exited with {status}; its output is above"),
        "check with cargo xtask status; then run the command again, which first repairs the release",
    )
    .into())
}

/// Restores the previous state: the revision that served before, or nothing.
pub(crate) fn restore(helm: &Helm, before: Option<u32>, timeout: Duration) -> Result<String> {
    if let Some(revision) = before {
        carry(helm.rollback(revision, timeout))?;
        return Ok(format!("rolled back to revision {revision}"));
    }
    carry(helm.uninstall(timeout))?;
    Ok("nothing was installed before, so the release was uninstalled".to_owned())
}

/// Waits for a helm process that a killed deploy left behind, because two would conflict.
fn wait_for_orphan() -> Result<()> {
    let Ok(pid) = std::fs::read_to_string(HELM_PID) else {
        return Ok(());
    };
    let begun = Instant::now();
    while is_helm(pid.trim()) {
        anstream::eprintln!(
            "  helm (process {pid}) of a killed deploy is still running; waiting …"
        );
        if begun.elapsed() > Duration::from_mins(15) {
            return Err(Failure::new(
                Kind::Refused,
                format!("helm (process {pid}) of an earlier deploy does not exit"),
                "two helm processes on one release conflict",
                format!("stop it: kill {pid}; then run the command again"),
            )
            .into());
        }
        thread::sleep(Duration::from_secs(2));
    }
    if Path::new(HELM_PID).exists() {
        std::fs::remove_file(HELM_PID)?;
    }
    Ok(())
}

fn is_helm(pid: &str) -> bool {
    tool("ps")
        .args(["-o", "args=", "-p", pid])
        .quiet()
        .output()
        .is_ok_and(|args| changes_the_release(&args))
}

/// Whether this command line is a helm process working on the release, and not another process that reuses its id.
fn changes_the_release(args: &str) -> bool {
    let verbs = ["upgrade", "rollback", "uninstall"];
    args.contains("helm") && args.split_whitespace().any(|word| verbs.contains(&word))
}

#[cfg(test)]
mod tests {
    use super::{changes_the_release, previous, serving};
    use crate::cluster::helm::Revision;

    fn history(states: &[&str]) -> Vec<Revision> {
        (1..)
            .zip(states)
            .map(|(number, status)| Revision {
                number,
                status: (*status).to_owned(),
                chart: String::new(),
                updated: String::new(),
            })
            .collect()
    }

    #[test]
    fn a_stuck_upgrade_leaves_the_revision_before_it_serving() {
        let history = history(&["superseded", "deployed", "pending-upgrade"]);
        assert_eq!(serving(&history).map(|revision| revision.number), Some(2));
    }

    #[test]
    fn a_helm_that_goes_back_is_waited_for_like_one_that_upgrades() {
        assert!(changes_the_release(
            "target/tools/bin/helm rollback roster 3 --wait"
        ));
        assert!(changes_the_release("helm3 uninstall roster"));
        assert!(!changes_the_release("helm list"));
        assert!(!changes_the_release("vim upgrade"));
    }

    #[test]
    fn failed_revisions_are_never_gone_back_to() {
        let history = history(&["superseded", "failed", "deployed"]);
        assert_eq!(previous(&history).map(|revision| revision.number), Some(1));
    }
}
