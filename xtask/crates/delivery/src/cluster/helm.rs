//! Calls helm, versions 3 and 4 alike.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};
use serde::Deserialize;
use serde_json::Value;

use super::kubectl::Cluster;
use super::{CHART, RELEASE};
use xtask::failure::{Failure, Kind};
use xtask::run_tool::{Run, tool};

/// Helm with the chart's values.
pub(crate) struct Helm {
    program: String,
    /// `v4.3.1`.
    pub(crate) version: String,
    pub(crate) cluster: Cluster,
    /// Later files take precedence.
    pub(crate) values: Vec<PathBuf>,
    /// `path=value`; these override files.
    pub(crate) settings: Vec<String>,
    /// What `helm history` says of the revision that an upgrade makes.
    pub(crate) description: Option<String>,
}

/// One revision of the release.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Revision {
    #[serde(rename = "revision")]
    pub(crate) number: u32,
    pub(crate) status: String,
    pub(crate) chart: String,
    #[serde(default)]
    pub(crate) updated: String,
    /// Helm's own words about its last change, which stay when a later revision supersedes it.
    #[serde(default)]
    pub(crate) description: String,
}

/// Helm's program. `ROSTER_HELM` selects another one, such as helm3.
pub(crate) fn program() -> String {
    std::env::var("ROSTER_HELM").unwrap_or_else(|_| "helm".to_owned())
}

/// A text as a value of `--set-string`, which takes commas and braces for its own.
pub(crate) fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for c in text.chars() {
        if matches!(c, ',' | '\\' | '{' | '}') {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}

/// The revision that serves, if any.
pub(crate) fn serving(history: &[Revision]) -> Option<&Revision> {
    history
        .iter()
        .rev()
        .find(|revision| revision.status == "deployed")
}

impl Revision {
    /// Whether it never served: helm calls a failed revision superseded after the next one.
    pub(crate) fn has_failed(&self) -> bool {
        self.status == "failed" || self.description.contains("\" failed: ")
    }

    /// What a deploy wrote about it: commit, subject and image. Helm's own sentences say nothing that the status does not.
    pub(crate) fn what(&self) -> &str {
        if self.description.starts_with("commit ") {
            &self.description
        } else {
            ""
        }
    }
}

impl Helm {
    /// Finds helm and its version.
    pub(crate) fn find(cluster: Cluster) -> Result<Self> {
        let program = program();
        let version = tool(&program)
            .args(["version", "--template={{.Version}}"])
            .quiet()
            .output()?;
        let version = version.trim().to_owned();
        if !version.starts_with("v3.") && !version.starts_with("v4.") {
            return Err(Failure::new(
                Kind::Missing,
                format!("{program} {version} has an unsupported major version"),
                "Helm 3 or 4 is required",
                "install the pinned version: cargo xtask tools install helm",
            )
            .into());
        }
        Ok(Self {
            program,
            version,
            cluster,
            values: Vec::new(),
            settings: Vec::new(),
            description: None,
        })
    }

    fn call(&self, command: &[&str]) -> Run {
        tool(&self.program)
            .args(command)
            .arg(format!("--kube-context={}", self.cluster.context))
            .arg(format!("--namespace={}", self.cluster.namespace))
    }

    fn with_values(&self, mut run: Run) -> Run {
        for file in &self.values {
            run = run.arg("--values").arg(file);
        }
        for setting in &self.settings {
            run = run.arg("--set-string").arg(setting);
        }
        run
    }

    /// The rendered chart, including hooks, for a cluster with these API versions.
    pub(crate) fn template(&self, kubernetes: &str, api_versions: &[String]) -> Result<String> {
        self.template_with(&[], kubernetes, api_versions)
    }

    /// The same with further settings.
    pub(crate) fn template_with(
        &self,
        settings: &[&str],
        kubernetes: &str,
        api_versions: &[String],
    ) -> Result<String> {
        let run = self.call(&["template", RELEASE, CHART]);
        self.with_values(run)
            .args(
                settings
                    .iter()
                    .flat_map(|setting| ["--set-string", *setting]),
            )
            .arg(format!("--kube-version={kubernetes}"))
            .arg(format!("--api-versions={}", api_versions.join(",")))
            .quiet()
            .output()
            .map_err(|error| refused_values(error, &self.values))
    }

    /// The installed objects, including hooks; empty if there are none.
    pub(crate) fn installed(&self, revision: u32) -> Result<String> {
        let revision = format!("--revision={revision}");
        let mut text = String::new();
        for part in ["manifest", "hooks"] {
            let run = self.call(&["get", part, RELEASE]).arg(&revision).quiet();
            text.push_str(&run.output()?);
            text.push_str("\n---\n");
        }
        Ok(text)
    }

    /// Every revision of the release, oldest first; empty if it was never installed.
    pub(crate) fn history(&self) -> Result<Vec<Revision>> {
        let listed = self
            .call(&["list", "--all", "--short"])
            .arg(format!("--filter=^{RELEASE}$"))
            .quiet();
        // Helm 4 lists all states by default and has no flag for it.
        let listed = if self.version.starts_with("v4.") {
            self.call(&["list", "--short"])
                .arg(format!("--filter=^{RELEASE}$"))
                .quiet()
        } else {
            listed
        };
        if listed.output()?.trim().is_empty() {
            return Ok(Vec::new());
        }
        let text = self
            .call(&["history", RELEASE, "--output=json"])
            .quiet()
            .output()?;
        serde_json::from_str(&text).context("helm history did not print valid JSON")
    }

    /// Whether the chart's test of the last revision completed and passed.
    pub(crate) fn is_tested(&self) -> Result<bool> {
        let text = self
            .call(&["status", RELEASE, "--output=json"])
            .quiet()
            .output()?;
        let status: Value = serde_json::from_str(&text)?;
        let is_test = |hook: &&Value| {
            let events = hook["events"].as_array().into_iter().flatten();
            events.into_iter().any(|event| event == "test")
        };
        let hooks = status["hooks"].as_array().into_iter().flatten();
        Ok(hooks
            .filter(is_test)
            .all(|hook| hook["last_run"]["phase"] == "Succeeded"))
    }

    /// Installs or upgrades, and waits. Helm does not roll back after a failure: see docs/adr/0016.
    /// `take_over` takes fields that somebody else has set since; Helm 3 always does.
    pub(crate) fn upgrade(&self, timeout: Duration, take_over: bool) -> Run {
        let run = self.call(&["upgrade", RELEASE, CHART, "--install", "--wait"]);
        self.with_values(run)
            .args(self.forced().filter(|_| take_over).into_iter().flatten())
            .args(
                self.description
                    .iter()
                    .flat_map(|text| ["--description", text]),
            )
            .arg("--history-max=10")
            .arg(format!("--timeout={}s", timeout.as_secs()))
    }

    /// What has Helm 4 change fields that somebody else has set.
    fn forced(&self) -> Option<[&'static str; 2]> {
        let is_4 = self.version.starts_with("v4.");
        is_4.then_some(["--server-side=true", "--force-conflicts"])
    }

    /// Rolls back to a revision, with every field that the release states.
    pub(crate) fn rollback(&self, revision: u32, timeout: Duration) -> Run {
        self.call(&["rollback", RELEASE])
            .arg(revision.to_string())
            .args(["--wait", "--history-max=10"])
            .args(self.forced().into_iter().flatten())
            .arg(format!("--timeout={}s", timeout.as_secs()))
    }

    /// Uninstalls the release.
    pub(crate) fn uninstall(&self, timeout: Duration) -> Run {
        self.call(&["uninstall", RELEASE, "--wait", "--ignore-not-found"])
            .arg(format!("--timeout={}s", timeout.as_secs()))
    }

    /// Runs the chart's own test.
    pub(crate) fn test(&self, timeout: Duration) -> Run {
        self.call(&["test", RELEASE])
            .arg(format!("--timeout={}s", timeout.as_secs()))
    }
}

/// Values that the chart rejects are a usage error, reported with their file.
fn refused_values(error: anyhow::Error, files: &[PathBuf]) -> anyhow::Error {
    match error.downcast::<Failure>() {
        Ok(failure) if failure.kind == Kind::Check => {
            let files: Vec<_> = files
                .iter()
                .map(|file| file.display().to_string())
                .collect();
            Failure::new(
                Kind::Usage,
                format!(
                    "the chart rejects its values; nothing was changed: {}",
                    own_words(&failure.why)
                ),
                "they violate helm-chart/values.schema.json or the chart's own rules",
                format!("correct {}", files.join(" or ")),
            )
            .into()
        }
        Ok(failure) => failure.into(),
        Err(error) => error,
    }
}

/// Helm's message without its preamble and template path.
fn own_words(text: &str) -> String {
    if let Some((_, message)) = text.rsplit_once("error calling fail: ") {
        return message.trim().to_owned();
    }
    if let Some((_, message)) = text.rsplit_once("error calling required: ") {
        return message.trim().to_owned();
    }
    // Schema violations are a list, after helm's log and the chart's name.
    let reasons: Vec<&str> = text
        .lines()
        .filter_map(|line| line.trim().strip_prefix("- "))
        .collect();
    if reasons.is_empty() {
        text.to_owned()
    } else {
        reasons.join("; ")
    }
}

#[cfg(test)]
mod tests {
    use super::{escaped, own_words};

    #[test]
    fn a_subject_is_one_value_whatever_it_contains() {
        assert_eq!(escaped(r"a, b{c}\d"), r"a\, b\{c\}\\d");
    }

    #[test]
    fn a_typo_is_told_in_one_line() {
        let helm = "it ended with exit status: 1 and said:\nlevel=INFO msg=\"found symbolic link\"\nError: values don't meet the specifications of the schema(s) in the following chart(s):\nroster:\n- at '': additional properties 'replica' not allowed\n";
        assert_eq!(
            own_words(helm),
            "at '': additional properties 'replica' not allowed"
        );
    }

    #[test]
    fn what_the_chart_says_itself_is_told_without_helms_path() {
        let helm = "Error: execution error at (roster/templates/deployment.yaml:5:3): x: error calling fail: image.digest is empty";
        assert_eq!(own_words(helm), "image.digest is empty");
    }
}
