//! From an environment and what is known of its cluster to a helm that speaks to it.

use anyhow::Result;

use super::cloud::Cloud;
use super::environment::Environment;
use super::helm::Helm;
use super::kubectl::Cluster;
use super::remembered::{self, Remembered};
use crate::cli::ClusterArgs;
use xtask::failure::{Failure, Kind};
use xtask::tools;

/// A cluster that responds, and what its environment's releases are made with.
pub(crate) struct Connection {
    pub(crate) helm: Helm,
    pub(crate) cloud: Option<Cloud>,
    /// Version of the API server.
    pub(crate) kubernetes: String,
}

/// Checks tools, context and cluster. The helm has the environment's values, the cloud's, and then those of `target`.
pub(crate) fn connect(environment: &Environment, target: &Remembered) -> Result<Connection> {
    tools::require(&["kubectl", &super::helm::program()])?;
    for file in &target.values {
        if !file.is_file() {
            return Err(Failure::new(
                Kind::Usage,
                format!("the values file {} does not exist", file.display()),
                "it was given with --values, now or to `cargo xtask setup`, which remembers it",
                format!(
                    "name it again: cargo xtask setup --env {} --values FILE",
                    environment.name
                ),
            )
            .into());
        }
    }
    let context = environment.context(target.context.as_deref())?;
    let cloud = Cloud::of(environment, &context)?;
    let cluster = Cluster {
        context,
        namespace: environment.namespace.clone(),
    };
    let mut helm = Helm::find(cluster)?;
    let kubernetes = helm.cluster.server_version()?;
    helm.values.push(environment.values());
    helm.values
        .extend(cloud.as_ref().map(|cloud| cloud.values.clone()));
    helm.values.extend(target.values.iter().cloned());
    if let Some(domain) = &target.domain {
        helm.settings.push(format!("hostname=service.{domain}"));
    }
    Ok(Connection {
        helm,
        cloud,
        kubernetes,
    })
}

/// The helm of a command that works on an installed release. Also returns the environment.
pub(crate) fn of_installed(args: &ClusterArgs) -> Result<(Environment, Helm)> {
    tools::require(&["kubectl", &super::helm::program()])?;
    let (environment, cluster) = cluster(args)?;
    let helm = Helm::find(cluster)?;
    helm.cluster.server_version()?;
    Ok((environment, helm))
}

/// The environment's cluster: the named, remembered or current context.
pub(crate) fn cluster(args: &ClusterArgs) -> Result<(Environment, Cluster)> {
    tools::require(&["kubectl"])?;
    let environment = Environment::read(args.env.name())?;
    let cluster = Cluster {
        context: environment.context(remembered::context(args)?.as_deref())?,
        namespace: environment.namespace.clone(),
    };
    Ok((environment, cluster))
}
