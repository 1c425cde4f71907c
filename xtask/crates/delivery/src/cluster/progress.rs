//! Whether a rollout still makes progress: a deploy waits as long as it does, and no longer.
//!
//! A pod makes progress when it is scheduled, starts, and becomes ready, each once. While a node pool grows for a pending
//! pod, that is progress too, and so is a migration that runs: its Job has a deadline of its own
//! (`migration.activeDeadlineSeconds`).

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::kubectl::{is_ready, name};

/// A node pool that was asked to grow is waited for this long: Autopilot needs minutes for a node.
const LONGEST_GROWTH: Duration = Duration::from_mins(15);

/// How far a pod has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    Created,
    Scheduled,
    Started,
    Ready,
}

/// The progress of one rollout.
pub(crate) struct Progress {
    last: Instant,
    stages: BTreeMap<String, Stage>,
    growth: Option<Instant>,
}

impl Progress {
    pub(crate) fn begin(now: Instant) -> Self {
        Self {
            last: now,
            stages: BTreeMap::new(),
            growth: None,
        }
    }

    /// Records how far the pods of the rollout have come. `grows` is whether a node pool was asked to grow for one.
    pub(crate) fn look(&mut self, pods: &[Value], grows: bool, now: Instant) {
        let mut waits_for_a_node = false;
        for pod in pods {
            let stage = stage(pod);
            waits_for_a_node |= stage == Stage::Created;
            let known = self.stages.insert(name(pod).to_owned(), stage);
            // A restarting pod goes back and forth.
            let best = known.map_or(stage, |known| known.max(stage));
            self.stages.insert(name(pod).to_owned(), best);
            if known.is_none_or(|known| best > known) || is_running_migration(pod) {
                self.last = now;
            }
        }
        if grows && waits_for_a_node {
            let asked = *self.growth.get_or_insert(now);
            if now.duration_since(asked) < LONGEST_GROWTH {
                self.last = now;
            }
        }
    }

    /// Whether nothing has come further for this long.
    pub(crate) fn is_stuck(&self, longest: Duration, now: Instant) -> bool {
        now.duration_since(self.last) > longest
    }
}

fn is_running_migration(pod: &Value) -> bool {
    pod["metadata"]["labels"]["app.kubernetes.io/component"] == "migration"
        && pod["status"]["phase"] == "Running"
}

fn stage(pod: &Value) -> Stage {
    if is_ready(pod) || pod["status"]["phase"] == "Succeeded" {
        return Stage::Ready;
    }
    if pod["spec"]["nodeName"].is_null() {
        return Stage::Created;
    }
    let mut statuses = pod["status"]["containerStatuses"]
        .as_array()
        .into_iter()
        .flatten();
    if statuses.any(|status| status["started"] == true || status["state"]["running"].is_object()) {
        Stage::Started
    } else {
        Stage::Scheduled
    }
}

#[cfg(test)]
mod tests {
    use super::{LONGEST_GROWTH, Progress};
    use serde_json::{Value, json};
    use std::time::{Duration, Instant};

    const LONGEST: Duration = Duration::from_mins(1);

    fn pod(node: Option<&str>, ready: bool) -> Value {
        let ready = if ready { "True" } else { "False" };
        json!({
            "metadata": {"name": "a"},
            "spec": {"nodeName": node},
            "status": {"conditions": [{"type": "Ready", "status": ready}]},
        })
    }

    /// Looks each 30 seconds; when it was stuck, in seconds.
    fn stuck_after(look: impl Fn(u64) -> (Value, bool)) -> Option<u64> {
        let begun = Instant::now();
        let mut progress = Progress::begin(begun);
        (0..240).map(|step| step * 30).find(|seconds| {
            let now = begun + Duration::from_secs(*seconds);
            let (pod, grows) = look(*seconds);
            progress.look(&[pod], grows, now);
            progress.is_stuck(LONGEST, now)
        })
    }

    #[test]
    fn a_pending_pod_is_waited_for_while_a_node_pool_grows() {
        assert_eq!(stuck_after(|_| (pod(None, false), false)), Some(90));
        // A node comes after five minutes, and the pod becomes ready a minute later.
        let grown = stuck_after(|at| match at {
            0..300 => (pod(None, false), true),
            300..360 => (pod(Some("n"), false), true),
            _ => (pod(Some("n"), true), true),
        });
        assert_eq!(grown, Some(360 + 90));
        let never = stuck_after(|_| (pod(None, false), true));
        let longest = LONGEST_GROWTH.as_secs();
        assert!(
            never.is_some_and(|at| (longest..=longest + 90).contains(&at)),
            "{never:?}"
        );
    }

    #[test]
    fn a_migration_that_runs_has_the_time_that_its_job_gives_it() {
        let stuck = stuck_after(|at| {
            let mut pod = pod(Some("n"), false);
            pod["metadata"]["labels"]["app.kubernetes.io/component"] = json!("migration");
            pod["status"]["phase"] = json!(if at < 600 { "Running" } else { "Failed" });
            (pod, false)
        });
        assert_eq!(stuck, Some(570 + 90));
    }

    #[test]
    fn a_pod_that_goes_back_and_forth_makes_no_progress() {
        let stuck = stuck_after(|at| (pod(Some("n"), at % 60 == 0), false));
        assert_eq!(stuck, Some(90));
    }
}
