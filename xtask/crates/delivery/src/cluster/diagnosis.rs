//! Diagnoses a rollout while it runs: afterwards, the pods that could explain a failure are gone.

mod verdict;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::events::Events;
use super::kubectl::{Cluster, SELECTOR, name, restarts};
use super::progress::Progress;
use verdict::verdict;
use xtask::failure::Kind;

/// The cause of a failed rollout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    Migration,
    Image,
    Crash,
    NeverReady,
    /// No node takes them: full, or none that they tolerate.
    NotScheduled,
    /// A quota or the cluster's admission refuses them.
    NotCreated,
    /// They have a node, and no container runs: a volume is missing, or the image is still pulled.
    NotStarted,
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
            Self::NotScheduled => "no node takes the new pods",
            Self::NotCreated => "the cluster refuses to create the new pods",
            Self::NotStarted => "the new pods do not start",
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
            Self::NotScheduled | Self::NotCreated | Self::NotStarted => Kind::PodsNotStarted,
            Self::SmokeTest => Kind::SmokeTestFailed,
            Self::Errors => Kind::ServesErrors,
            Self::Other => Kind::Rollout,
        }
    }

    /// Of several causes the one with the highest rank explains the others.
    fn rank(self) -> u8 {
        match self {
            Self::Other => 0,
            Self::NeverReady => 1,
            Self::NotStarted => 2,
            Self::NotScheduled => 3,
            Self::NotCreated => 4,
            _ => 5,
        }
    }

    /// Whether it may pass while the rollout waits, unlike a crash.
    fn may_pass(self) -> bool {
        self.rank() < 5
    }
}

/// Watches the pods of a rollout and records their states, logs and events.
pub(crate) struct Observer {
    cluster: Cluster,
    /// Only pods with this image belong to the rollout.
    image: String,
    logs: BTreeMap<String, String>,
    states: BTreeMap<String, String>,
    cause: Option<Cause>,
    events: Events,
    progress: Progress,
}

impl Observer {
    /// Starts watching for pods with this image.
    pub(crate) fn new(cluster: Cluster, image: &str) -> Self {
        Self {
            events: Events::begin(cluster.clone()),
            cluster,
            image: image.to_owned(),
            logs: BTreeMap::new(),
            states: BTreeMap::new(),
            cause: None,
            progress: Progress::begin(Instant::now()),
        }
    }

    /// Checks once. Returns true if the rollout can no longer succeed, so that waiting for its timeout is pointless.
    pub(crate) fn look(&mut self) -> bool {
        let Ok(mut pods) = self.cluster.pods(SELECTOR) else {
            return false;
        };
        pods.retain(|pod| uses(pod, &self.image));
        self.events.look();
        let grows = self
            .events
            .with_reason(&["TriggeredScaleUp"])
            .next()
            .is_some();
        self.progress.look(&pods, grows, Instant::now());
        // What may pass is seen again, or has passed.
        self.cause = self.cause.filter(|cause| !cause.may_pass());
        let mut lost = false;
        for pod in &pods {
            lost |= self.judge(pod);
        }
        if let Some(refusal) = self.refused_creation() {
            self.note(Cause::NotCreated);
            lost |= refusal == Refusal::Final;
        }
        lost
    }

    /// Whether no pod has come further for this long.
    pub(crate) fn is_stuck(&self, longest: Duration) -> bool {
        self.progress.is_stuck(longest, Instant::now())
    }

    fn note(&mut self, cause: Cause) {
        if self.cause.is_none_or(|known| known.rank() < cause.rank()) {
            self.cause = Some(cause);
        }
    }

    fn judge(&mut self, pod: &Value) -> bool {
        let name = name(pod);
        let component = pod["metadata"]["labels"]["app.kubernetes.io/component"]
            .as_str()
            .unwrap_or_default();
        let verdict = verdict(pod, component);
        let Some(state) = &verdict.state else {
            self.states.remove(name);
            return verdict.lost;
        };
        // A pod does not say itself which volume it waits for.
        let warning = self.events.last_warning(&format!("Pod/{name}"));
        let warning = warning.filter(|_| verdict.cause == Cause::NotStarted);
        let is_news = verdict.cause == Cause::NotScheduled || warning.is_some();
        let state = &warning.map_or_else(|| state.clone(), |why| format!("{state}: {why}"));
        let known = self.states.insert(name.to_owned(), state.clone());
        if known.as_ref() != Some(state) && is_news {
            printing::eprintln!("  waiting for {name}: {state}");
        }
        self.note(verdict.cause);
        if verdict.has_log() {
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
        verdict.lost
    }

    /// Whether the cluster refused to create pods for the migration's Job or the `ReplicaSet`, which try again and again.
    fn refused_creation(&self) -> Option<Refusal> {
        let refused: Vec<_> = self.events.with_reason(&["FailedCreate"]).collect();
        let tries: u64 = refused.iter().map(|event| event.count).sum();
        let last = refused.iter().map(|event| refusal(&event.message)).max()?;
        (tries > 0).then_some(match last {
            Refusal::Final if tries >= FEWEST_REFUSALS => Refusal::Final,
            _ => Refusal::MayPass,
        })
    }

    /// The cause of the failure, as far as the cluster shows it. `helm` is helm's message, if it did not just wait.
    pub(crate) fn cause(&self, helm: &str) -> Cause {
        let waited = [
            "timed out",
            "deadline",
            "not ready",
            "hooks failed",
            "cancel",
        ];
        let is_own = !helm.is_empty() && !waited.iter().any(|word| helm.contains(word));
        let cause = self.cause.unwrap_or(Cause::Other);
        if is_own && cause.may_pass() {
            return Cause::Other;
        }
        cause
    }

    /// The observations: states, last log lines, the cluster's warnings.
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
        text.push_str(&self.events.report());
        text
    }
}

/// Whether the creation of a pod may be allowed later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Refusal {
    /// A quota has room again when other pods end; a webhook answers again.
    MayPass,
    Final,
}

/// A refusal that comes this often stays.
const FEWEST_REFUSALS: u64 = 2;

fn refusal(message: &str) -> Refusal {
    let may_pass = [
        "exceeded quota",
        "failed calling webhook",
        "timeout",
        "object is being deleted",
    ];
    let is_final = ["is forbidden", "denied the request", "is invalid"];
    let says = |words: &[&str]| words.iter().any(|word| message.contains(word));
    if says(&is_final) && !says(&may_pass) {
        Refusal::Final
    } else {
        Refusal::MayPass
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
    use super::{Refusal, refusal};

    #[test]
    fn a_quota_may_have_room_later_and_a_policy_does_not_change_its_mind() {
        let quota =
            "Error creating: pods \"roster-x\" is forbidden: exceeded quota: q, requested: cpu=1";
        assert_eq!(refusal(quota), Refusal::MayPass);
        let webhook = "Error creating: Internal error occurred: failed calling webhook \"x\"";
        assert_eq!(refusal(webhook), Refusal::MayPass);
        let policy = "Error creating: pods \"roster-x\" is forbidden: violates PodSecurity \"restricted:latest\"";
        assert_eq!(refusal(policy), Refusal::Final);
        let denied = "Error creating: admission webhook \"x\" denied the request: no";
        assert_eq!(refusal(denied), Refusal::Final);
    }
}
