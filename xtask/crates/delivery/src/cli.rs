//! The command line of delivery: image, cluster, and end-to-end tests.

mod e2e;
mod image;

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use xtask::failure::Kind;

pub(crate) use e2e::{E2eArgs, E2eStory, FirstDayArgs};
pub(crate) use image::{
    ChartArgs, ChartCommand, ChartPushArgs, ImageArgs, ImageBuildArgs, ImageCommand, ImagePushArgs,
};

/// The commands of this program, as shown by `cargo xtask`.
#[derive(Parser)]
#[command(
    name = "cargo xtask",
    bin_name = "cargo xtask",
    version,
    max_term_width = 110
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    Image(ImageArgs),
    Chart(ChartArgs),
    Setup(SetupArgs),
    Deploy(DeployArgs),
    Call(CallArgs),
    Rollback(RollbackArgs),
    Status(StatusArgs),
    Logs(LogsArgs),
    Uninstall(UninstallArgs),
    E2e(E2eArgs),
    /// Run one area of `cargo xtask check`
    #[command(hide = true)]
    Check {
        #[arg(value_parser = ["chart"])]
        area: String,
    },
    /// Write or compare one area of `cargo xtask generate`
    #[command(hide = true)]
    Generate {
        #[arg(value_parser = ["values"])]
        area: String,
        #[arg(long)]
        check: bool,
    },
}

/// The environments.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum EnvironmentName {
    Dev,
    Production,
}

impl EnvironmentName {
    /// As files are named.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Dev => "dev",
            Self::Production => "production",
        }
    }
}

/// The cluster that a command works on.
#[derive(Args, Clone)]
pub(crate) struct ClusterArgs {
    /// Environment
    #[arg(long)]
    pub(crate) env: EnvironmentName,
    /// Context of the kubeconfig. For dev it may be any; `setup` and `deploy` remember it, outside of the repository, for
    /// this checkout [default: the remembered one, or the current one if helm-chart/environments/clusters.yaml names it]
    #[arg(long, value_name = "NAME")]
    pub(crate) context: Option<String>,
}

/// Prepare a cluster for the first deploy: the namespace, and the Secrets that the chart needs.
///
/// Shows what it will make, and asks. Makes only what is missing, so it can be run again. Keys of tokens and the smoke
/// test's client are generated; the client is registered by the migration of the next deploy. For dev it remembers the
/// cluster, values, domain and repository for this checkout. A Secret's value is never printed.
#[derive(Args)]
#[command(after_help = xtask::failure::exit_codes_help(&[Kind::Usage, Kind::Missing, Kind::Unreachable, Kind::Refused]))]
pub(crate) struct SetupArgs {
    #[command(flatten)]
    pub(crate) cluster: ClusterArgs,
    #[command(flatten)]
    pub(crate) release: ReleaseArgs,
    #[command(flatten)]
    pub(crate) database: DatabaseFiles,
    /// Show what it would make, and make nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Do not ask
    #[arg(long)]
    pub(crate) yes: bool,
}

/// What differs between clusters of one environment.
#[derive(Args, Clone, Default)]
pub(crate) struct ReleaseArgs {
    /// Repository of images [default: the remembered one, the environment's registry if Terraform created one, or
    /// docker.io/roster/roster]
    #[arg(long, env = "ROSTER_IMAGE_REPOSITORY")]
    pub(crate) repository: Option<String>,
    /// Additional values files for the chart, which override the environment's; comma-separated in the variable
    /// [default: the remembered ones]
    #[arg(
        long,
        env = "ROSTER_VALUES",
        value_delimiter = ',',
        value_name = "FILE"
    )]
    pub(crate) values: Vec<PathBuf>,
    /// Domain of the environment: the service is served at service.DOMAIN [default: the remembered one, or Terraform's,
    /// if it created the cluster]
    #[arg(long, env = "ROSTER_DOMAIN")]
    pub(crate) domain: Option<String>,
}

/// Files with what the database's Secrets are made of; `-` is standard input.
#[derive(Args, Clone, Default)]
#[allow(
    clippy::struct_field_names,
    reason = "these are the names of the flags"
)]
pub(crate) struct DatabaseFiles {
    /// File with the service's connection URL, or `-`
    #[arg(long, value_name = "FILE")]
    pub(crate) database_url_file: Option<PathBuf>,
    /// File with the URL of the role that owns the tables, if database.migrationSecretName is set
    #[arg(long, value_name = "FILE")]
    pub(crate) owner_url_file: Option<PathBuf>,
    /// File with the password, if database.passwordKey is set
    #[arg(long, value_name = "FILE")]
    pub(crate) database_password_file: Option<PathBuf>,
    /// File with the certificate of the database's authority, if database.caKey is set
    #[arg(long, value_name = "FILE")]
    pub(crate) database_ca_file: Option<PathBuf>,
}

/// Deploy an image to an environment and verify that it serves. Rolls back on failure.
///
/// The cluster is the one that was remembered, or the kubeconfig's current context, which then
/// helm-chart/environments/clusters.yaml must name. The image is the registry's of this commit, in development else of this branch, always by digest; production takes signed
/// images alone. Steps: preflight, image, chart, needs, lock, repair, changes, upgrade (which migrates first), smoke
/// test, watch. Killed at any of them and run again, it converges.
#[derive(Args)]
#[command(after_help = xtask::failure::exit_codes_help(&xtask::failure::Kind::ALL))]
#[allow(clippy::struct_excessive_bools, reason = "each is a flag")]
pub(crate) struct DeployArgs {
    #[command(flatten)]
    pub(crate) cluster: ClusterArgs,
    /// Image to deploy, instead of the registry's of this commit (in development else of the branch)
    #[arg(long, value_name = "REFERENCE")]
    pub(crate) image: Option<String>,
    #[command(flatten)]
    pub(crate) release: ReleaseArgs,
    /// Deploy the image that was built last by its tag, without a registry: the nodes have it (image build --archive)
    #[arg(long, conflicts_with_all = ["image", "branch"])]
    pub(crate) loaded: bool,
    /// Branch whose latest image development takes when this commit has none; the one checked out by default
    #[arg(long)]
    pub(crate) branch: Option<String>,
    /// Show the changes without making them
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Do not ask before changing production
    #[arg(long)]
    pub(crate) yes: bool,
    /// Take back fields of the release that somebody has changed by hand, instead of refusing to deploy
    #[arg(long)]
    pub(crate) take_over: bool,
    /// How long a rollout may go on without progress, and a rollback take, in seconds
    #[arg(long, default_value_t = 300, value_name = "SECONDS")]
    pub(crate) timeout: u64,
    /// How long to watch errors and readiness afterwards, in seconds
    #[arg(long, default_value_t = 20, value_name = "SECONDS")]
    pub(crate) watch_seconds: u64,
}

impl DeployArgs {
    pub(crate) fn timeout(&self) -> Duration {
        Duration::from_secs(self.timeout)
    }
}

/// Roll back to an earlier revision of the release [default: the previous one; in a terminal, one from a list].
#[derive(Args)]
pub(crate) struct RollbackArgs {
    #[command(flatten)]
    pub(crate) cluster: ClusterArgs,
    /// Revision to roll back to (cargo xtask status lists them, with the commit of each)
    #[arg(long)]
    pub(crate) revision: Option<u32>,
    /// Required for production
    #[arg(long)]
    pub(crate) yes: bool,
    /// Timeout, in seconds
    #[arg(long, default_value_t = 300, value_name = "SECONDS")]
    pub(crate) timeout: u64,
}

/// Show what runs in an environment. Exits with 1 if the release does not serve.
#[derive(Args)]
pub(crate) struct StatusArgs {
    #[command(flatten)]
    pub(crate) cluster: ClusterArgs,
    /// Also run the chart's smoke test, which creates, reads, changes and deletes a user through the Service; exits
    /// with 1 if it fails
    #[arg(long)]
    pub(crate) smoke_test: bool,
}

/// Show the logs of all serving pods.
#[derive(Args)]
pub(crate) struct LogsArgs {
    #[command(flatten)]
    pub(crate) cluster: ClusterArgs,
    /// Follow the logs
    #[arg(long, short)]
    pub(crate) follow: bool,
    /// Start this long ago, such as 5m or 2h
    #[arg(long, default_value = "10m")]
    pub(crate) since: String,
}

/// Call the API of an environment through its way in: its Gateway or Ingress, or else a forwarded port.
///
/// Uses the smoke test's client, whose secret is read from the cluster and never printed. Prints the body of the
/// response; exits with 1 unless its status is 2xx. Production takes only GET without --yes.
#[derive(Args)]
pub(crate) struct CallArgs {
    #[command(flatten)]
    pub(crate) cluster: ClusterArgs,
    /// Method of the request
    pub(crate) method: String,
    /// Path and query, such as /v1/users?limit=1
    pub(crate) path: String,
    /// Body of the request: JSON
    pub(crate) json: Option<String>,
    /// Certificate authority of the way in (PEM) [default: ca.crt of its Secret, or the system's]
    #[arg(long, value_name = "FILE")]
    pub(crate) ca_file: Option<PathBuf>,
    /// Allow changes in production
    #[arg(long)]
    pub(crate) yes: bool,
}

/// Uninstall the release, after showing what goes and what stays; waits until its pods have ended.
///
/// The database, the namespace and the Secrets stay, so that a deploy brings everything back. --all also removes the
/// Secrets and the namespace that `setup` made, and forgets the cluster.
#[derive(Args)]
pub(crate) struct UninstallArgs {
    #[command(flatten)]
    pub(crate) cluster: ClusterArgs,
    /// Also remove what `setup` made: Secrets, and the namespace if nothing else is in it
    #[arg(long)]
    pub(crate) all: bool,
    /// Do not ask; production asks for its name in any case
    #[arg(long)]
    pub(crate) yes: bool,
    /// Timeout, in seconds
    #[arg(long, default_value_t = 300, value_name = "SECONDS")]
    pub(crate) timeout: u64,
}
