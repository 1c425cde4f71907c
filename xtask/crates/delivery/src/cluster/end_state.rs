//! What a failed deploy leaves, read from the cluster: always read again, never remembered.

use std::fmt;

use anyhow::Result;

use super::RELEASE;
use super::helm::{Helm, serving};
use super::kubectl::{Cluster, SELECTOR, SERVERS, is_ready, items, name};
use xtask::failure::{Failure, Kind};

/// Selects the migration's Job and its pods.
pub(crate) const MIGRATION: &str =
    "app.kubernetes.io/instance=roster,app.kubernetes.io/component=migration";
/// Selects the smoke test's pod.
const SMOKE_TEST: &str = "app.kubernetes.io/instance=roster,app.kubernetes.io/component=smoke-test";
/// A pod has its grace period to end.
const LONGEST_REMOVAL: &str = "--timeout=90s";

/// The release as the cluster has it now.
pub(crate) struct EndState {
    /// The last revision that helm calls deployed.
    revision: Option<u32>,
    /// Ready pods that serve, of all that serve.
    ready: usize,
    pods: usize,
    /// Objects that are left where nothing is deployed.
    left: Vec<String>,
}

impl EndState {
    /// Reads it.
    pub(crate) fn read(helm: &Helm) -> Result<Self> {
        let revision = serving(&helm.history()?).map(|revision| revision.number);
        let servers = helm.cluster.pods(SERVERS)?;
        let left = match revision {
            Some(_) => Vec::new(),
            None => objects(
                &helm.cluster,
                "deployments,replicasets,jobs,pods,services",
                SELECTOR,
            )?,
        };
        Ok(Self {
            revision,
            ready: servers.iter().filter(|pod| is_ready(pod)).count(),
            pods: servers.len(),
            left,
        })
    }

    /// Whether somebody is served.
    pub(crate) fn serves(&self) -> bool {
        self.ready > 0
    }

    /// What to do next, after the cause was fixed.
    pub(crate) fn next(&self, environment: &str) -> String {
        let now = match (self.revision, self.serves()) {
            (Some(revision), true) => format!("revision {revision} serves now"),
            (Some(_), false) => {
                format!("nothing serves now: cargo xtask status --env {environment}")
            }
            (None, _) => "nothing is installed now".to_owned(),
        };
        format!("fix the cause and deploy again; {now}")
    }
}

impl fmt::Display for EndState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.revision {
            Some(revision) => write!(
                f,
                "revision {revision} is deployed, {} of {} pods are ready",
                self.ready, self.pods
            ),
            None if self.left.is_empty() => {
                write!(f, "nothing is installed, and nothing of {RELEASE} is left")
            }
            None => write!(
                f,
                "no revision is deployed; left behind: {}",
                self.left.join(", ")
            ),
        }
    }
}

/// Removes the migration's Job with its pods, and the smoke test's pod, and proves that they are gone: a Job whose pod
/// could not be created or scheduled would run as soon as there is room, outside of any deploy.
pub(crate) fn remove_hooks(cluster: &Cluster) -> Result<()> {
    for (kinds, selector) in [("jobs", MIGRATION), ("pods", SMOKE_TEST)] {
        cluster
            .kubectl()
            .args([
                "delete",
                kinds,
                "--selector",
                selector,
                "--ignore-not-found",
            ])
            .args(["--cascade=foreground", "--wait=true", LONGEST_REMOVAL])
            .arg("--request-timeout=0")
            .quiet()
            .output()?;
    }
    let left = objects(cluster, "jobs,pods", MIGRATION)?;
    if left.is_empty() {
        return Ok(());
    }
    Err(Failure::new(
        Kind::Rollout,
        "the migration's Job could not be removed",
        format!("left behind: {}", left.join(", ")),
        format!("delete it, or it may still run: kubectl delete jobs --selector={MIGRATION}"),
    )
    .into())
}

/// Kinds and names of what the selector finds.
fn objects(cluster: &Cluster, kinds: &str, selector: &str) -> Result<Vec<String>> {
    let found = cluster.get(&[kinds, "--selector", selector])?;
    let found = items(&found).map(|object| {
        let kind = object["kind"].as_str().unwrap_or_default();
        format!("{kind}/{}", name(object))
    });
    Ok(found.collect())
}

#[cfg(test)]
mod tests {
    use super::EndState;

    #[test]
    fn nothing_is_said_to_serve_where_no_pod_is_ready() {
        let state = |revision, ready, left: &[&str]| EndState {
            revision,
            ready,
            pods: 2,
            left: left.iter().map(ToString::to_string).collect(),
        };
        let served = state(Some(3), 2, &[]);
        assert_eq!(
            served.to_string(),
            "revision 3 is deployed, 2 of 2 pods are ready"
        );
        assert!(served.next("dev").ends_with("revision 3 serves now"));
        assert!(
            state(Some(3), 0, &[])
                .next("dev")
                .contains("nothing serves now")
        );
        let gone = state(None, 0, &[]);
        assert_eq!(
            gone.to_string(),
            "nothing is installed, and nothing of roster is left"
        );
        assert!(gone.next("dev").ends_with("nothing is installed now"));
        let left = state(None, 0, &["Job/roster-migration"]).to_string();
        assert!(
            left.ends_with("left behind: Job/roster-migration"),
            "{left}"
        );
    }
}
