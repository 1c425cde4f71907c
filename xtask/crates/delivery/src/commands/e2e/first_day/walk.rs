//! One first day: from a cluster without anything of Roster to a user that was created through the way in, and back.

use anyhow::Result;

use super::clone::{CONTEXT, Clone, Ended};
use crate::cli::FirstDayArgs;
use crate::cluster::kubectl::Cluster;
use crate::cluster::needs;
use crate::e2e::database::OutsideDatabase;
use crate::e2e::namespace;

const USER: &str = r#"{"email": "ada@example.com", "name": "Ada Lovelace"}"#;

/// How clients reach the service.
#[derive(Clone, Copy)]
pub(super) enum Way {
    Gateway,
    Ingress,
    /// By a forwarded port.
    Neither,
}

impl Way {
    pub(super) const ALL: [Self; 3] = [Self::Gateway, Self::Ingress, Self::Neither];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Gateway => "Gateway",
            Self::Ingress => "Ingress",
            Self::Neither => "forwarded port",
        }
    }

    /// The values file that the page shows for it.
    pub(super) fn values(self, args: &FirstDayArgs, database: &str) -> String {
        let way_in = match self {
            Self::Gateway => "gateway",
            Self::Ingress => "ingress",
            Self::Neither => return format!("networkPolicy: {{databaseCidrs: [{database}/32]}}\n"),
        };
        format!(
            "{way_in}: {{enabled: true, className: {}, issuer: {{name: {}}}}}\n\
             networkPolicy: {{databaseCidrs: [{database}/32], gateways: [{{ipBlock: {{cidr: {}}}}}]}}\n",
            args.class, args.issuer, args.gateway_cidr
        )
    }
}

/// What a day took.
pub(super) struct Day {
    pub(super) commands: usize,
    pub(super) seconds: f64,
    pub(super) lines: Vec<String>,
}

/// Walks it, and removes everything again.
pub(super) fn walk(clone: &Clone, cluster: &Cluster, args: &FirstDayArgs, way: Way) -> Result<Day> {
    clone.forget()?;
    let address = namespace::node_address(cluster)?;
    let database = OutsideDatabase::start(address)?;
    let url = clone.write("database-url", &database.url)?;
    let values = clone.write("values.yaml", &way.values(args, &address.to_string()))?;
    let (url, values) = (url.display().to_string(), values.display().to_string());
    let mut setup = vec!["setup", "--env", "dev", "--context", CONTEXT, "--yes"];
    setup.extend([
        "--database-url-file",
        url.as_str(),
        "--values",
        values.as_str(),
    ]);
    setup.extend(["--repository", args.repository.as_str()]);
    if !matches!(way, Way::Neither) {
        setup.extend(["--domain", args.domain.as_str()]);
    }
    let commands = [
        clone.run(&setup)?,
        clone.run(&["image", "push"])?,
        clone.run(&["deploy", "--env", "dev"])?,
        clone.run(&["call", "--env", "dev", "POST", "/v1/users", USER])?,
    ];
    for ended in &commands {
        ended.succeeded()?;
    }
    let created = &commands[commands.len() - 1];
    created.ended_with(0, &format!("201 Created, through the {}", way.name()))?;
    let mut lines = vec![format!("{}:", way.name())];
    lines.extend(commands.iter().map(line));
    let seconds = commands.iter().map(|ended| ended.seconds).sum();
    lines.push(format!(
        "    {} commands, {seconds:.1} s from the clone to the first user",
        commands.len()
    ));
    clone
        .run(&["status", "--env", "dev", "--smoke-test"])?
        .succeeded()?;
    lines.push(leave(clone, cluster)?);
    Ok(Day {
        commands: commands.len(),
        seconds,
        lines,
    })
}

/// Uninstalls everything, and looks whether something is left.
pub(super) fn leave(clone: &Clone, cluster: &Cluster) -> Result<String> {
    let gone = clone.run(&["uninstall", "--env", "dev", "--all", "--yes"])?;
    gone.succeeded()?;
    anyhow::ensure!(
        !needs::namespace_exists(cluster)?,
        "the namespace {} is left after uninstall --all, which said:\n{}",
        cluster.namespace,
        gone.said
    );
    Ok(line(&gone))
}

fn line(ended: &Ended) -> String {
    format!("  {:>6.1} s  {}", ended.seconds, ended.line)
}
