//! `cargo xtask status` and `cargo xtask logs`: what runs where, and its logs.

use std::time::Duration;

use anyhow::Result;

use crate::cli::{LogsArgs, StatusArgs};
use crate::cluster::environment::Environment;
use crate::cluster::helm::Helm;
use crate::cluster::kubectl::{self, Cluster, SERVERS};
use crate::commands::deploy;
use xtask::failure::{Failure, Kind};

/// The smoke test takes seconds; its image may need to be pulled first.
const SMOKE_TEST_LIMIT: Duration = Duration::from_mins(2);

/// Runs `cargo xtask status`. Fails if the release does not serve.
pub(crate) fn run(args: &StatusArgs) -> Result<()> {
    let helm = Helm::find(cluster(args.env.name())?)?;
    helm.cluster.server_version()?;
    let history = helm.history()?;
    for revision in history.iter().rev().take(5) {
        printing::println!(
            "revision  {:<4} {:<16} {} {}",
            revision.number,
            revision.status,
            revision.chart,
            revision.updated
        );
    }
    let Some(deployment) = helm.cluster.deployment()? else {
        return Err(Failure::new(
            Kind::Check,
            "nothing is installed",
            format!("the namespace {} has no Deployment", helm.cluster.namespace),
            "install it: cargo xtask deploy",
        )
        .into());
    };
    printing::println!("url       {}", deploy::url(&helm.cluster)?);
    let image = deployment.pointer("/spec/template/spec/containers/0/image");
    printing::println!(
        "image     {}",
        image.and_then(|image| image.as_str()).unwrap_or("none")
    );
    let mut ready = 0;
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
    }
    if ready > 0 {
        return if args.smoke_test {
            smoke_test(&helm)
        } else {
            Ok(())
        };
    }
    Err(Failure::new(
        Kind::Check,
        "no pod is ready",
        "the release does not serve",
        "check the logs: cargo xtask logs; or roll back: cargo xtask rollback",
    )
    .into())
}

fn smoke_test(helm: &Helm) -> Result<()> {
    helm.test(SMOKE_TEST_LIMIT).run().map_err(|error| {
        Failure::new(
            Kind::Check,
            "the smoke test failed: the release runs but does not serve correctly",
            error.to_string(),
            "roll back: cargo xtask rollback; or check the logs: cargo xtask logs",
        )
        .into()
    })
}

/// Runs `cargo xtask logs`.
pub(crate) fn logs(args: &LogsArgs) -> Result<()> {
    let cluster = cluster(args.env.name())?;
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

fn cluster(environment: &str) -> Result<Cluster> {
    let environment = Environment::read(environment)?;
    Ok(Cluster {
        context: environment.current_context()?,
        namespace: environment.namespace,
    })
}
