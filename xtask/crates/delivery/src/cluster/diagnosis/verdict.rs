//! What one pod shows about a rollout: its state in words, the cause, and whether it can still recover.

use serde_json::Value;

use super::Cause;
use crate::cluster::kubectl::is_ready;

/// What one pod shows.
pub(super) struct Verdict {
    /// `None` if nothing is wrong.
    pub(super) state: Option<String>,
    /// The container concerned, if any.
    pub(super) container: Option<String>,
    pub(super) cause: Cause,
    pub(super) lost: bool,
}

impl Verdict {
    /// Whether a container ran, so that there is a log.
    pub(super) fn has_log(&self) -> bool {
        !matches!(
            self.cause,
            Cause::Image | Cause::NotScheduled | Cause::NotStarted
        )
    }
}

/// A pod that no node takes, with the scheduler's words; one that has a node, and of which nothing runs.
fn pending(pod: &Value) -> Option<Verdict> {
    if pod["status"]["phase"] != "Pending" {
        return None;
    }
    let mut conditions = pod["status"]["conditions"].as_array().into_iter().flatten();
    let refused = conditions
        .find(|condition| condition["type"] == "PodScheduled" && condition["status"] == "False");
    let (state, cause) = match refused {
        Some(condition) => {
            let why = condition["message"].as_str().unwrap_or("without a reason");
            (format!("cannot be scheduled: {why}"), Cause::NotScheduled)
        }
        None => ("Pending, not started".to_owned(), Cause::NotStarted),
    };
    Some(Verdict {
        state: Some(state),
        container: None,
        cause,
        lost: false,
    })
}

/// Judges a pod of this component of the chart.
pub(super) fn verdict(pod: &Value, component: &str) -> Verdict {
    let own = match component {
        "migration" => Cause::Migration,
        "smoke-test" => Cause::SmokeTest,
        _ => Cause::Crash,
    };
    // Sidecars are listed as init containers.
    let statuses = ["containerStatuses", "initContainerStatuses"]
        .into_iter()
        .flat_map(|kind| pod["status"][kind].as_array().into_iter().flatten());
    for status in statuses {
        let container = status["name"].as_str().map(str::to_owned);
        let of = container.as_deref().unwrap_or("container");
        let restarts = status["restartCount"].as_u64().unwrap_or_default();
        let waiting = &status["state"]["waiting"];
        let reason = waiting["reason"].as_str().unwrap_or_default();
        let message = waiting["message"].as_str().unwrap_or_default();
        if matches!(
            reason,
            "ErrImagePull"
                | "ImagePullBackOff"
                | "InvalidImageName"
                | "CreateContainerError"
                | "RunContainerError"
                | "CreateContainerConfigError"
        ) {
            return Verdict {
                state: Some(format!("{of}: {reason}: {message}")),
                container,
                cause: Cause::Image,
                lost: matches!(reason, "ImagePullBackOff" | "InvalidImageName"),
            };
        }
        let ended = [
            &status["state"]["terminated"],
            &status["lastState"]["terminated"],
        ];
        if let Some(ended) = ended
            .iter()
            .find(|ended| ended["exitCode"].as_i64().is_some_and(|code| code != 0))
        {
            let reason = ended["reason"].as_str().unwrap_or("Error");
            return Verdict {
                state: Some(format!(
                    "{of}: {reason}, exit code {}, {restarts} restarts",
                    ended["exitCode"]
                )),
                container,
                cause: own,
                lost: own == Cause::Crash && restarts >= 2,
            };
        }
    }
    if let Some(pending) = pending(pod) {
        return pending;
    }
    let is_unready = component == "server" && !is_ready(pod);
    let phase = pod["status"]["phase"].as_str().unwrap_or_default();
    Verdict {
        state: is_unready.then(|| format!("{phase}, not ready")),
        container: None,
        cause: if is_unready { Cause::NeverReady } else { own },
        lost: false,
    }
}

#[cfg(test)]
mod tests {
    use super::super::Cause;
    use super::verdict;
    use serde_json::json;

    #[test]
    fn a_pod_that_crashes_again_and_again_is_lost() {
        let pod = json!({"status": {"containerStatuses": [{
            "restartCount": 2,
            "state": {"waiting": {"reason": "CrashLoopBackOff"}},
            "lastState": {"terminated": {"exitCode": 1, "reason": "Error"}},
        }]}});
        let verdict = verdict(&pod, "server");
        assert_eq!(verdict.cause, Cause::Crash);
        assert!(verdict.lost);
    }

    #[test]
    fn a_failed_migration_is_told_apart_from_a_crash() {
        let pod = json!({"status": {"containerStatuses": [{
            "restartCount": 0, "state": {"terminated": {"exitCode": 3, "reason": "Error"}},
        }]}});
        assert_eq!(verdict(&pod, "migration").cause, Cause::Migration);
    }

    #[test]
    fn a_sidecar_that_crashes_is_named() {
        let pod = json!({"status": {
            "containerStatuses": [{"name": "roster", "restartCount": 0, "state": {"waiting": {"reason": "PodInitializing"}}}],
            "initContainerStatuses": [{
                "name": "cloud-sql-proxy", "restartCount": 2,
                "state": {"terminated": {"exitCode": 1, "reason": "Error"}},
            }],
        }});
        let verdict = verdict(&pod, "server");
        assert_eq!(verdict.container.as_deref(), Some("cloud-sql-proxy"));
        assert!(verdict.lost);
    }

    #[test]
    fn a_pod_that_runs_but_is_not_ready_may_still_become_so() {
        let pod = json!({"status": {"phase": "Running", "containerStatuses": [{"restartCount": 0, "state": {"running": {}}}]}});
        let verdict = verdict(&pod, "server");
        assert_eq!(verdict.cause, Cause::NeverReady);
        assert!(!verdict.lost);
    }

    #[test]
    fn a_pod_that_no_node_takes_is_reported_in_the_schedulers_words() {
        let pod = json!({"status": {"phase": "Pending", "conditions": [{
            "type": "PodScheduled", "status": "False", "reason": "Unschedulable",
            "message": "0/1 nodes are available: 1 Insufficient cpu.",
        }]}});
        for component in ["server", "migration"] {
            let verdict = verdict(&pod, component);
            assert_eq!(verdict.cause, Cause::NotScheduled, "{component}");
            assert!(
                verdict
                    .state
                    .is_some_and(|state| state.contains("Insufficient cpu"))
            );
            assert!(!verdict.lost, "a node may come");
        }
        let waits = json!({"status": {"phase": "Pending", "containerStatuses": [{
            "restartCount": 0, "state": {"waiting": {"reason": "ContainerCreating"}},
        }]}});
        assert_eq!(verdict(&waits, "server").cause, Cause::NotStarted);
    }
}
