//! `cargo xtask e2e first-day`: the first day of somebody who has a cluster, a database and a clone, and nothing else.
//!
//! The commands are those of docs/any-cluster.md, run by this very program in a fresh clone, with a kubeconfig whose context
//! nobody lists and a state folder of its own. Seconds are measured; compiling xtask is not part of them.

mod clone;
mod published;
mod refusals;
mod walk;

use std::time::Duration;

use anyhow::Result;

use crate::cli::FirstDayArgs;
use crate::cluster::environment::Environment;
use crate::cluster::kubectl::Cluster;
use crate::cluster::needs;
use crate::e2e::namespace;
use clone::Clone;
use walk::Way;
use xtask::failure::{Failure, Kind};
use xtask::tools;

/// What a first day may take from the clone to the first user, the image's build apart.
const LONGEST: Duration = Duration::from_mins(2);
/// And this many commands.
const MOST_COMMANDS: usize = 4;

/// Runs the command.
pub(super) fn run(args: &FirstDayArgs) -> Result<()> {
    tools::require(&["git", "kubectl", "helm", "helm3", "cargo-auditable"])?;
    let environment = Environment::read("dev")?;
    let cluster = Cluster {
        context: environment.current_context()?,
        namespace: environment.namespace,
    };
    cluster.server_version()?;
    if needs::namespace_exists(&cluster)? {
        return Err(Failure::new(
            Kind::Refused,
            format!("the namespace {} exists", cluster.namespace),
            "this test begins on a cluster that has never heard of Roster, and removes the namespace at the end",
            "uninstall first: cargo xtask uninstall --env dev --all",
        )
        .into());
    }
    let outcome = days(args, &cluster);
    if needs::namespace_exists(&cluster)? {
        namespace::remove(&cluster)?;
    }
    outcome
}

fn days(args: &FirstDayArgs, cluster: &Cluster) -> Result<()> {
    let clone = Clone::make(cluster)?;
    let mut report = vec![refusals::missing_tool(&clone)?];
    let build = clone.run(&["image", "build", "--repository", &args.repository])?;
    build.succeeded()?;
    report.push(format!("image build, once: {:.1} s", build.seconds));
    let mut faults = Vec::new();
    for way in Way::ALL {
        let day = walk::walk(&clone, cluster, args, way)?;
        if day.seconds > LONGEST.as_secs_f64() || day.commands > MOST_COMMANDS {
            faults.push(format!(
                "{}: {} commands, {:.0} s",
                way.name(),
                day.commands,
                day.seconds
            ));
        }
        report.extend(day.lines);
    }
    report.extend(refusals::each(&clone, cluster, args)?);
    report.extend(published::each(&clone, cluster, args)?);
    printing::println!();
    for line in &report {
        printing::println!("{line}");
    }
    if faults.is_empty() {
        return Ok(());
    }
    Err(Failure::new(
        Kind::Check,
        format!(
            "a first day took more than {MOST_COMMANDS} commands or {} s",
            LONGEST.as_secs()
        ),
        faults.join("\n"),
        "see the seconds of each command above",
    )
    .into())
}
