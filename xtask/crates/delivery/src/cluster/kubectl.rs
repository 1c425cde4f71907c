//! Calls kubectl with an explicit context and namespace.

use anyhow::Result;
use serde_json::Value;

use super::RELEASE;
use xtask::failure::{Failure, Kind};
use xtask::run_tool::{Run, tool};

/// Selects everything of the release.
pub(crate) const SELECTOR: &str = "app.kubernetes.io/instance=roster";
/// Selects the pods that serve.
pub(crate) const SERVERS: &str =
    "app.kubernetes.io/instance=roster,app.kubernetes.io/component=server";

/// One namespace of one cluster.
#[derive(Clone)]
pub(crate) struct Cluster {
    pub(crate) context: String,
    pub(crate) namespace: String,
}

impl Cluster {
    /// Starts a kubectl command.
    pub(crate) fn kubectl(&self) -> Run {
        tool("kubectl")
            .arg(format!("--context={}", self.context))
            .arg(format!("--namespace={}", self.namespace))
            .arg("--request-timeout=30s")
    }

    /// Gets objects as JSON.
    pub(crate) fn get(&self, args: &[&str]) -> Result<Value> {
        let text = self
            .kubectl()
            .arg("get")
            .args(args)
            .arg("--output=json")
            .quiet()
            .output()?;
        Ok(serde_json::from_str(&text)?)
    }

    /// Gets one object, if it exists.
    pub(crate) fn find(&self, kind: &str, name: &str) -> Result<Option<Value>> {
        let text = self
            .kubectl()
            .args(["get", kind, name, "--ignore-not-found", "--output=json"])
            .quiet()
            .output()?;
        if text.trim().is_empty() {
            return Ok(None);
        }
        Ok(Some(serde_json::from_str(&text)?))
    }

    /// The version of the API server; [`Kind::Unreachable`] if it does not respond.
    pub(crate) fn server_version(&self) -> Result<String> {
        let answer = self
            .kubectl()
            .args(["version", "--output=json"])
            .quiet()
            .output()
            .map_err(|error| match error.downcast::<Failure>() {
                Ok(failure) if failure.kind == Kind::Missing => failure,
                Ok(failure) => self.unreachable(&failure.why),
                Err(error) => self.unreachable(&error.to_string()),
            })?;
        let answer: Value = serde_json::from_str(&answer)?;
        match answer["serverVersion"]["gitVersion"].as_str() {
            Some(version) => Ok(version.to_owned()),
            None => Err(self.unreachable("it did not return its version").into()),
        }
    }

    /// The API versions that the cluster serves.
    pub(crate) fn api_versions(&self) -> Result<Vec<String>> {
        let versions = self.kubectl().arg("api-versions").quiet().output()?;
        Ok(versions.lines().map(str::to_owned).collect())
    }

    fn unreachable(&self, why: &str) -> Failure {
        Failure::new(
            Kind::Unreachable,
            format!(
                "the cluster of the context `{}` does not respond",
                self.context
            ),
            why,
            "check the network and whether your login has expired: kubectl version",
        )
    }

    /// The pods of the release, without terminating ones.
    pub(crate) fn pods(&self, selector: &str) -> Result<Vec<Value>> {
        let pods = self.get(&["pods", "--selector", selector])?;
        Ok(items(&pods)
            .filter(|pod| pod["metadata"]["deletionTimestamp"].is_null())
            .cloned()
            .collect())
    }

    /// The Deployment, when it exists.
    pub(crate) fn deployment(&self) -> Result<Option<Value>> {
        self.find("deployment", RELEASE)
    }

    /// The last log lines of a container; of its previous run, if it has restarted.
    pub(crate) fn log_tail(&self, pod: &str, container: &str, previous: bool) -> String {
        let call = self
            .kubectl()
            .args(["logs", pod, "--container", container, "--tail=15"])
            .arg(format!("--previous={previous}"))
            .quiet()
            .output();
        // Kubectl prints its own notices where a log would be.
        let log = call.unwrap_or_default();
        let own = log.lines().filter(|line| !is_notice(line));
        own.collect::<Vec<_>>().join("\n")
    }
}

/// Whether kubectl says that there is no log yet, instead of printing one.
fn is_notice(line: &str) -> bool {
    [
        "unable to retrieve container logs for ",
        "failed to try resolving symlinks in path ",
        "Error from server (BadRequest): ",
    ]
    .iter()
    .any(|notice| line.starts_with(notice))
}

/// The items of a list.
pub(crate) fn items(list: &Value) -> impl Iterator<Item = &Value> {
    list["items"].as_array().into_iter().flatten()
}

/// Name of an object.
pub(crate) fn name(object: &Value) -> &str {
    object["metadata"]["name"].as_str().unwrap_or_default()
}

/// Whether a pod is ready.
pub(crate) fn is_ready(pod: &Value) -> bool {
    pod["status"]["conditions"]
        .as_array()
        .into_iter()
        .flatten()
        .any(|condition| condition["type"] == "Ready" && condition["status"] == "True")
}

/// The restarts of a pod's containers.
pub(crate) fn restarts(pod: &Value) -> u64 {
    ["containerStatuses", "initContainerStatuses"]
        .into_iter()
        .flat_map(|kind| pod["status"][kind].as_array().into_iter().flatten())
        .filter_map(|status| status["restartCount"].as_u64())
        .sum()
}

#[cfg(test)]
mod tests {
    use super::is_notice;

    #[test]
    fn a_notice_of_kubectl_is_not_a_log() {
        assert!(is_notice(
            "unable to retrieve container logs for containerd://0123"
        ));
        assert!(!is_notice("roster: the database cannot be used"));
    }
}
