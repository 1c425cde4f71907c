//! Diagnoses a rollout while it runs: afterwards, the pods that could explain a failure are gone.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::Value;

use super::kubectl::{Cluster, SELECTOR, is_ready, items, name, restarts};
use xtask::failure::Kind;

/// The cause of a failed rollout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    Migration,
    Image,
    Crash,
    NeverReady,
    SmokeTest,
    Errors,
    /// Helm's message has the cause.
    Other,
}

impl Cause {
    /// The message for people.
    pub(crate) fn sentence(self) -> &'static str {
        match self {
            Self::Migration => "the migration of the database failed",
            Self::Image => "the image could not be pulled or started",
            Self::Crash => "the new pods crash",
            Self::NeverReady => "the new pods run but never become ready",
            Self::SmokeTest => "the new release failed its smoke test",
            Self::Errors => "the new release serves errors",
            Self::Other => "the release could not be installed",
        }
    }

    /// The exit code of this cause.
    pub(crate) fn kind(self) -> Kind {
        match self {
            Self::Migration => Kind::MigrationFailed,
            Self::Image => Kind::ImageFailed,
            Self::Crash => Kind::PodsCrash,
            Self::NeverReady => Kind::NeverReady,
            Self::SmokeTest => Kind::SmokeTestFailed,
            Self::Errors => Kind::ServesErrors,
            Self::Other => Kind::Rollout,
        }
    }
}

/// Watches the pods of a rollout and records their states and logs.
pub(crate) struct Observer {
    cluster: Cluster,
    /// Only pods with this image belong to the rollout.
    image: String,
    logs: BTreeMap<String, String>,
    states: BTreeMap<String, String>,
    cause: Option<Cause>,
}

impl Observer {
    /// Starts watching for pods with this image.
    pub(crate) fn new(cluster: Cluster, image: &str) -> Self {
        Self {
            cluster,
            image: image.to_owned(),
            logs: BTreeMap::new(),
            states: BTreeMap::new(),
            cause: None,
        }
    }

    /// Checks once. Returns true if the rollout can no longer succeed, so that waiting for its timeout is pointless.
    pub(crate) fn look(&mut self) -> bool {
        let Ok(pods) = self.cluster.pods(SELECTOR) else {
            return false;
        };
        let mut lost = false;
        let image = self.image.clone();
        for pod in pods.iter().filter(|pod| uses(pod, &image)) {
            lost |= self.judge(pod);
        }
        lost
    }

    fn judge(&mut self, pod: &Value) -> bool {
        let name = name(pod);
        let component = pod["metadata"]["labels"]["app.kubernetes.io/component"]
            .as_str()
            .unwrap_or_default();
        let verdict = verdict(pod, component);
        if let Some(state) = &verdict.state {
            self.states.insert(name.to_owned(), state.clone());
            self.cause = Some(verdict.cause);
            if verdict.cause != Cause::Image {
                let container = verdict.container.as_deref();
                let own = if component == "server" {
                    "roster"
                } else {
                    component
                };
                let previous = restarts(pod) > 0;
                let log = self
                    .cluster
                    .log_tail(name, container.unwrap_or(own), previous);
                if !log.trim().is_empty() {
                    self.logs.insert(name.to_owned(), log);
                }
            }
        }
        verdict.lost
    }

    /// The cause of the failure, as far as the pods show it.
    pub(crate) fn cause(&self) -> Cause {
        self.cause.unwrap_or(Cause::Other)
    }

    /// The observations: states, last log lines, cluster warnings.
    pub(crate) fn report(&self) -> String {
        let mut text = String::new();
        for (pod, state) in &self.states {
            let _ = writeln!(text, "pod {pod}: {state}");
        }
        for (pod, log) in &self.logs {
            let _ = writeln!(text, "last log lines of {pod}:");
            for line in log.lines() {
                let _ = writeln!(text, "    {line}");
            }
        }
        text.push_str(&self.warnings());
        text
    }

    fn warnings(&self) -> String {
        let list = [
            "events",
            "--field-selector=type=Warning",
            "--sort-by=.lastTimestamp",
        ];
        let Ok(events) = self.cluster.get(&list) else {
            return String::new();
        };
        let lines: Vec<String> = items(&events)
            .filter(|event| {
                let about = event["involvedObject"]["name"].as_str().unwrap_or_default();
                self.states.contains_key(about)
            })
            .map(|event| {
                format!(
                    "    {}: {}: {}\n",
                    event["involvedObject"]["name"].as_str().unwrap_or_default(),
                    event["reason"].as_str().unwrap_or_default(),
                    event["message"].as_str().unwrap_or_default().trim(),
                )
            })
            .collect();
        if lines.is_empty() {
            return String::new();
        }
        let first = lines.len().saturating_sub(8);
        format!("events:\n{}", lines[first..].concat())
    }
}

struct Verdict {
    /// `None` if nothing is wrong.
    state: Option<String>,
    /// The container concerned, if any.
    container: Option<String>,
    cause: Cause,
    lost: bool,
}

fn verdict(pod: &Value, component: &str) -> Verdict {
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
    if component == "server" && !is_ready(pod) {
        return Verdict {
            state: Some(format!(
                "{}, not ready",
                pod["status"]["phase"].as_str().unwrap_or_default()
            )),
            container: None,
            cause: Cause::NeverReady,
            lost: false,
        };
    }
    Verdict {
        state: None,
        container: None,
        cause: own,
        lost: false,
    }
}

fn uses(pod: &Value, image: &str) -> bool {
    pod["spec"]["containers"]
        .as_array()
        .into_iter()
        .flatten()
        .any(|container| container["image"] == image)
}

#[cfg(test)]
mod tests {
    use super::{Cause, verdict};
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
}
