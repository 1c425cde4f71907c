//! `cargo xtask status` and `cargo xtask logs`: what runs where, and its logs.

use std::time::Duration;

use anyhow::Result;

use crate::cli::{LogsArgs, StatusArgs};
use crate::cluster::connection::{cluster, of_installed};
use crate::cluster::helm::{Helm, Revision};
use crate::cluster::kubectl::{self, Cluster, SERVERS};
use crate::cluster::watch;
use crate::commands::deploy;
use xtask::failure::{Failure, Kind};

/// The chart's annotations of pods, as its `image.commit` and `image.subject` say.
const COMMIT: &str = "roster-directory.github.io/commit";
const SUBJECT: &str = "roster-directory.github.io/subject";
/// Revisions that are shown.
const REVISIONS: usize = 5;
/// The smoke test takes seconds; its image may need to be pulled first.
const SMOKE_TEST_LIMIT: Duration = Duration::from_mins(2);

/// Runs `cargo xtask status`. Fails if the release does not serve.
pub(crate) fn run(args: &StatusArgs) -> Result<()> {
    let (environment, helm) = of_installed(&args.cluster)?;
    let name = &environment.name;
    let history = helm.history()?;
    print_revisions(&history);
    let Some(deployment) = helm.cluster.deployment()? else {
        return Err(Failure::new(
            Kind::Check,
            "nothing is installed",
            format!("the namespace {} has no Deployment", helm.cluster.namespace),
            format!("install it: cargo xtask deploy --env {name}"),
        )
        .into());
    };
    printing::println!("url       {}", deploy::url(&helm.cluster)?);
    let image = deployment.pointer("/spec/template/spec/containers/0/image");
    printing::println!(
        "image     {}",
        image.and_then(|image| image.as_str()).unwrap_or("none")
    );
    let annotations = &deployment["spec"]["template"]["metadata"]["annotations"];
    if let Some(commit) = annotations[COMMIT].as_str() {
        let subject = annotations[SUBJECT].as_str().unwrap_or_default();
        printing::println!("commit    {commit} {subject}");
    }
    let (mut ready, mut degraded) = (0, None);
    for pod in helm.cluster.pods(SERVERS)? {
        ready += usize::from(kubectl::is_ready(&pod));
        printing::println!(
            "pod       {} {} on {}, {} restarts",
            kubectl::name(&pod),
            if kubectl::is_ready(&pod) {
                "ready"
            } else {
                "not ready"
            },
            pod["spec"]["nodeName"].as_str().unwrap_or("no node"),
            kubectl::restarts(&pod),
        );
        let said = watch::ask_pod(&helm.cluster, &pod, "readyz");
        let said = said.map(|said| said.trim().to_owned());
        if let Some(said) = said.filter(|said| said != "ok") {
            printing::println!("          {said}");
            degraded = Some(said).filter(|said| said.starts_with("degraded"));
        }
    }
    if let Some(why) = degraded {
        return Err(Failure::new(
            Kind::Check,
            "the pods run, but cannot serve users",
            why,
            "see whether the database runs and can be reached; another revision would have the same database",
        )
        .into());
    }
    if ready > 0 {
        return if args.smoke_test {
            smoke_test(&helm, name)
        } else {
            Ok(())
        };
    }
    Err(Failure::new(
        Kind::Check,
        "no pod is ready",
        "the release does not serve",
        format!("check the logs: cargo xtask logs --env {name}; or roll back: cargo xtask rollback --env {name}"),
    )
    .into())
}

/// The last revisions: what runs and ran when, from which commit.
pub(crate) fn print_revisions(history: &[Revision]) {
    for revision in history.iter().rev().take(REVISIONS) {
        let updated: String = revision.updated.chars().take(19).collect();
        printing::println!(
            "revision  {:<4} {:<16} {updated} {}",
            revision.number,
            revision.status,
            described(revision, history)
        );
    }
}

/// Commit and subject of a revision; of a rollback, those of the revision that it went back to.
fn described(revision: &Revision, history: &[Revision]) -> String {
    let target = revision.description.strip_prefix("Rollback to ");
    let Some(target) = target.and_then(|number| number.trim().parse::<u32>().ok()) else {
        return if revision.has_failed() {
            let words = revision.description.replace('\n', " ");
            words.chars().take(120).collect()
        } else {
            revision.what().to_owned()
        };
    };
    let of: Option<&Revision> = history.iter().find(|known| known.number == target);
    let what = of.map_or("", Revision::what);
    format!("rolled back to {target}: {what}")
}

fn smoke_test(helm: &Helm, environment: &str) -> Result<()> {
    helm.test(SMOKE_TEST_LIMIT).run().map_err(|error| {
        Failure::new(
            Kind::Check,
            "the smoke test failed: the release runs but does not serve correctly",
            error.to_string(),
            format!("roll back: cargo xtask rollback --env {environment}; or check the logs: cargo xtask logs --env {environment}"),
        )
        .into()
    })
}

/// Runs `cargo xtask logs`.
pub(crate) fn logs(args: &LogsArgs) -> Result<()> {
    let (environment, cluster) = cluster(&args.cluster)?;
    if cluster.pods(SERVERS)?.is_empty() {
        return Err(Failure::new(
            Kind::Check,
            "there are no logs: no pod serves",
            format!(
                "the namespace {} has no pod of the release",
                cluster.namespace
            ),
            format!("install it: cargo xtask deploy --env {}", environment.name),
        )
        .into());
    }
    let mut run = tool_without_timeout(&cluster)
        .args([
            "logs",
            "--selector",
            SERVERS,
            "--container=roster",
            "--prefix",
        ])
        .arg(format!("--since={}", args.since))
        .args(["--tail=-1", "--max-log-requests=20"]);
    if args.follow {
        run = run.arg("--follow");
    }
    run.run()
}

/// Following logs must not time out.
fn tool_without_timeout(cluster: &Cluster) -> xtask::run_tool::Run {
    xtask::run_tool::tool("kubectl")
        .arg(format!("--context={}", cluster.context))
        .arg(format!("--namespace={}", cluster.namespace))
}

#[cfg(test)]
mod tests {
    use super::described;
    use crate::cluster::helm::Revision;

    #[test]
    fn a_rollback_shows_the_commit_that_it_went_back_to() {
        let revision = |number, description: &str| Revision {
            number,
            status: "superseded".to_owned(),
            chart: String::new(),
            updated: String::new(),
            description: description.to_owned(),
        };
        let history = [
            revision(1, "commit aaaaaaaaaaaa: one (sha256:0)"),
            revision(2, "commit bbbbbbbbbbbb: two (sha256:1)"),
            revision(3, "Rollback to 1"),
            revision(4, "Upgrade complete"),
        ];
        let said: Vec<String> = history.iter().map(|one| described(one, &history)).collect();
        assert_eq!(said[1], "commit bbbbbbbbbbbb: two (sha256:1)");
        assert_eq!(
            said[2],
            "rolled back to 1: commit aaaaaaaaaaaa: one (sha256:0)"
        );
        assert_eq!(said[3], "");
    }
}
