//! The release: repairs a stuck one, upgrades, and rolls back.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;

use super::diagnosis::Observer;
use super::helm::{Helm, Revision, serving};
use super::helm_process::{self, HelmProcess, wait_for_orphan};
use super::{changes, end_state, ownership};
use xtask::interrupt;

/// How long an upgrade may take at all, with node pools that grow: it and a rollback fit into the time that the
/// pipeline gives a deploy. Whether it makes progress meanwhile is ours to see.
const LONGEST_UPGRADE: Duration = Duration::from_mins(30);

/// How an upgrade ended.
pub(crate) enum Outcome {
    Done,
    /// Helm's last words; empty if it waited for what never came.
    Failed(String),
    Interrupted,
}

/// The revision to roll back to: the last that served before the current one, or the current one, if a later change of
/// it failed and was not undone.
pub(crate) fn previous(history: &[Revision]) -> Option<&Revision> {
    let current = serving(history)?;
    if history.last()?.number > current.number {
        return Some(current);
    }
    history.iter().rev().find(|revision| {
        revision.number < current.number
            && revision.status == "superseded"
            && !revision.has_failed()
    })
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
        Some(serving) if stuck => {
            restore(helm, Some(serving.number), timeout)?;
        }
        // A failed first install has no revision to roll back to, and helm cannot upgrade it.
        None if stuck || last.status == "failed" => {
            restore(helm, None, timeout)?;
        }
        _ => return Ok(None),
    }
    Ok(Some(format!(
        "revision {} was {}",
        last.number, last.status
    )))
}

/// Runs helm upgrade while the observer watches. A rollout that cannot succeed, or that has made no progress for
/// `timeout`, is stopped.
pub(crate) fn upgrade(
    helm: &Helm,
    observer: &mut Observer,
    timeout: Duration,
    take_over: bool,
) -> Result<Outcome> {
    let mut process = HelmProcess::start(helm.upgrade(LONGEST_UPGRADE.max(timeout), take_over))?;
    let begun = Instant::now();
    let mut broken_off: Option<Instant> = None;
    let status = loop {
        if let Some(status) = process.poll()? {
            break status;
        }
        thread::sleep(Duration::from_secs(1));
        // Helm received Ctrl-C from the terminal itself.
        if interrupt::requested() && broken_off.is_none() {
            broken_off = Some(Instant::now());
        }
        if broken_off.is_none()
            && let Some(why) = hopeless(observer, timeout, begun.elapsed())
        {
            printing::eprintln!("  {why}: stopping it");
            process.interrupt()?;
            broken_off = Some(Instant::now());
        }
        if broken_off.is_some_and(|since| since.elapsed() > Duration::from_secs(20)) {
            process.kill()?;
        }
    };
    let words = process.end();
    observer.look();
    if interrupt::requested() {
        return Ok(Outcome::Interrupted);
    }
    Ok(match (status.success(), broken_off) {
        (true, _) => Outcome::Done,
        (false, Some(_)) => Outcome::Failed(String::new()),
        (false, None) => Outcome::Failed(words),
    })
}

/// Why waiting longer is pointless, if it is.
fn hopeless(observer: &mut Observer, timeout: Duration, took: Duration) -> Option<String> {
    if observer.look() {
        return Some("the rollout can no longer succeed".to_owned());
    }
    if took > LONGEST_UPGRADE.max(timeout) {
        return Some(format!(
            "the rollout is not done after {} min",
            took.as_secs() / 60
        ));
    }
    let seconds = timeout.as_secs();
    observer
        .is_stuck(timeout)
        .then(|| format!("the rollout has made no progress for {seconds} s"))
}

/// Rolls back to a revision that a person selected.
pub(crate) fn go_back_to(helm: &Helm, revision: u32, timeout: Duration) -> Result<()> {
    wait_for_orphan()?;
    restore(helm, Some(revision), timeout).map(drop)
}

/// Restores the previous state: the revision that served before, or nothing. Returns what it did.
pub(crate) fn restore(helm: &Helm, before: Option<u32>, timeout: Duration) -> Result<String> {
    // First: its pod could be scheduled meanwhile.
    let removed = end_state::remove_hooks(&helm.cluster);
    let did = if let Some(revision) = before {
        roll_back(helm, revision, timeout)?;
        format!("rolled back to revision {revision}")
    } else {
        helm_process::run(helm.uninstall(timeout))?;
        "uninstalled, because nothing was installed before".to_owned()
    };
    removed.map(|()| did)
}

/// Rolls back, even over changes by hand: what helm cannot take back is replaced first.
fn roll_back(helm: &Helm, revision: u32, timeout: Duration) -> Result<()> {
    let objects = changes::parse(&helm.installed(revision)?)?;
    for name in ownership::replace_unmergeable(&helm.cluster, &objects)? {
        printing::eprintln!(
            "  {name}: replaced by that of revision {revision}, because it was changed by hand"
        );
    }
    helm_process::run(helm.rollback(revision, timeout))
}

#[cfg(test)]
mod tests {
    use super::{previous, serving};
    use crate::cluster::helm::Revision;

    fn history(states: &[&str]) -> Vec<Revision> {
        (1..)
            .zip(states)
            .map(|(number, status)| Revision {
                number,
                status: (*status).to_owned(),
                chart: String::new(),
                updated: String::new(),
                description: String::new(),
            })
            .collect()
    }

    #[test]
    fn a_stuck_upgrade_leaves_the_revision_before_it_serving() {
        let history = history(&["superseded", "deployed", "pending-upgrade"]);
        assert_eq!(serving(&history).map(|revision| revision.number), Some(2));
    }

    #[test]
    fn failed_revisions_are_never_gone_back_to() {
        let mut history = history(&["superseded", "failed", "superseded", "deployed"]);
        // What helm writes after a rollback that failed.
        history[2].description =
            "Upgrade \"roster\" failed: conflict with \"kubectl-patch\"".to_owned();
        assert_eq!(previous(&history).map(|revision| revision.number), Some(1));
    }

    #[test]
    fn after_a_change_and_a_rollback_that_failed_one_goes_back_to_what_serves() {
        let history = history(&["deployed", "superseded", "failed"]);
        assert_eq!(previous(&history).map(|revision| revision.number), Some(1));
    }
}
