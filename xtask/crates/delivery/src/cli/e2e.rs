//! The command line of the end-to-end tests.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// Test the delivery end to end on the current context's cluster: build, push, deploy, upgrade, roll back, drain and
/// scale under load, break it on purpose, renew certificates.
///
/// The cluster must belong to the development environment. The database is a private PostgreSQL on this machine if pods
/// can reach it at their node's address, or the one in --database-url. Everything is removed at the end, unless --keep
/// is given.
#[derive(Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct E2eArgs {
    #[command(subcommand)]
    pub(crate) story: Option<E2eStory>,
    /// Image to deploy, instead of one built from the working tree
    #[arg(long, value_name = "REFERENCE")]
    pub(crate) image: Option<String>,
    /// Use this statically linked binary of the service instead of compiling
    #[arg(long, value_name = "FILE")]
    pub(crate) binary: Option<PathBuf>,
    /// Repository to push images to
    #[arg(
        long,
        env = "ROSTER_IMAGE_REPOSITORY",
        default_value = "docker.io/roster/roster"
    )]
    pub(crate) repository: String,
    /// Values files for this cluster, such as helm-chart/ci/local-values.yaml
    #[arg(long, value_name = "FILE")]
    pub(crate) values: Vec<PathBuf>,
    /// Domain of the service's host name
    #[arg(long, env = "ROSTER_DOMAIN")]
    pub(crate) domain: Option<String>,
    /// CA certificate of the Gateway's certificate (PEM)
    #[arg(long, value_name = "FILE")]
    pub(crate) ca_file: Option<PathBuf>,
    /// Database that pods and this machine can reach, instead of one started here
    #[arg(
        long,
        value_name = "URL",
        hide_env_values = true,
        env = "ROSTER_E2E_DATABASE_URL"
    )]
    pub(crate) database_url: Option<String>,
    /// Requests per second
    #[arg(long, default_value_t = 200)]
    pub(crate) rate: u64,
    /// Run each exercise once instead of once per route; skip scaling, slow faults, renewals and Ingress
    #[arg(long)]
    pub(crate) quick: bool,
    /// Keep the namespace at the end
    #[arg(long)]
    pub(crate) keep: bool,
}

/// Other end-to-end tests. All but the first belong to other programs, which `cargo xtask` runs.
#[derive(Subcommand)]
pub(crate) enum E2eStory {
    FirstDay(FirstDayArgs),
    /// Follow an outage of a real Roster to a stand-in for Slack and back, with a real Prometheus and Alertmanager
    Alerts,
    /// Let the primary of a streaming pair fail under load, promote the standby, and see Roster go on by itself
    Standby,
    /// Run Roster behind a real `pgbouncer` in each of its modes, and print what works
    Pgbouncer,
    /// Run Roster behind real proxies that compress, keep connections, and cache: nginx, HAProxy, Apache, Caddy, Varnish
    Proxies,
    /// Open /docs in a real Chromium, paste a token, create a user, and save a screenshot
    Docs,
    /// Let pages of other origins call the API in a real Chromium (CORS)
    Cors,
    /// Generate clients from the OpenAPI document, compile them, and run each against a live service
    Clients,
    /// Kill the service repeatedly under a load of idempotent creates, and account for every create
    Kills,
}

/// Walk a platform engineer's first day on a cluster that has never heard of Roster: by the commands of
/// docs/any-cluster.md, from a clone with nothing prepared to a user created through the way in.
///
/// Once each for a cluster with a Gateway, with an Ingress, and with neither; then again with each prerequisite missing in
/// turn, where the refusal must name the command that cures it; and the chart from the registry, by Helm 4, by Helm 3 and as
/// part of another chart. The context must be development's; its namespace roster
/// must not exist, and is removed at the end.
#[derive(Args)]
pub(crate) struct FirstDayArgs {
    /// Repository that this machine and the cluster's nodes reach
    #[arg(long, env = "ROSTER_IMAGE_REPOSITORY")]
    pub(crate) repository: String,
    /// Class of the cluster's gateways and ingresses
    #[arg(long, default_value = "traefik", value_name = "CLASS")]
    pub(crate) class: String,
    /// cert-manager's cluster issuer for certificates
    #[arg(long, default_value = "local-ca", value_name = "ISSUER")]
    pub(crate) issuer: String,
    /// Where the gateway's connections come from
    #[arg(long, default_value = "10.244.0.1/32", value_name = "CIDR")]
    pub(crate) gateway_cidr: String,
    /// Domain of the service's host name
    #[arg(long, default_value = "roster.test", value_name = "DOMAIN")]
    pub(crate) domain: String,
}
