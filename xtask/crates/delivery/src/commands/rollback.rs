//! `cargo xtask rollback`: rolls back to an earlier revision of the release.

use std::time::Duration;

use anyhow::Result;

use crate::cli::RollbackArgs;
use crate::cluster::end_state::EndState;
use crate::cluster::environment::Environment;
use crate::cluster::helm::Helm;
use crate::cluster::kubectl::Cluster;
use crate::cluster::lock::Lock;
use crate::cluster::release;
use xtask::failure::{Failure, Kind};
use xtask::interrupt;

/// Runs the command.
pub(crate) fn run(args: &RollbackArgs) -> Result<()> {
    interrupt::watch()?;
    let environment = Environment::read(args.env.name())?;
    let cluster = Cluster {
        context: environment.current_context()?,
        namespace: environment.namespace.clone(),
    };
    let helm = Helm::find(cluster)?;
    helm.cluster.server_version()?;
    if environment.confirm && !args.yes {
        return Err(Failure::new(
            Kind::Refused,
            format!("{} was not changed", environment.name),
            "rolling back production requires --yes",
            "pass --yes",
        )
        .into());
    }
    let history = helm.history()?;
    let revision = match args.revision {
        Some(revision) => history.iter().find(|known| known.number == revision),
        None => release::previous(&history),
    };
    let Some(revision) = revision else {
        return Err(Failure::new(
            Kind::Usage,
            "there is no such revision",
            format!("the release has {} revisions", history.len()),
            "list them: cargo xtask status",
        )
        .into());
    };
    let _lock = Lock::take(&helm.cluster)?;
    release::go_back_to(&helm, revision.number, Duration::from_secs(args.timeout))?;
    let now = EndState::read(&helm)?;
    printing::println!(
        "{} was rolled back to revision {} ({}): {now}",
        environment.name,
        revision.number,
        revision.chart
    );
    Ok(())
}
