//! The command line of delivery: image, cluster, and the proof of both.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// The commands of this program, as `cargo xtask` shows them.
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
    Deploy(DeployArgs),
    Rollback(RollbackArgs),
    Status(StatusArgs),
    Logs(LogsArgs),
    E2e(E2eArgs),
    /// Check one area: a step of `cargo xtask check`
    #[command(hide = true)]
    Check {
        #[arg(value_parser = ["chart"])]
        area: String,
    },
}

/// Build or push the container image, without a container engine.
#[derive(Args)]
pub(crate) struct ImageArgs {
    #[command(subcommand)]
    pub(crate) command: ImageCommand,
}

#[derive(Subcommand)]
pub(crate) enum ImageCommand {
    Build(ImageBuildArgs),
    Push(ImagePushArgs),
}

/// Build the image of this commit: the service's binary, linked statically, and the authorities it trusts.
///
/// Writes target/image.json (name, digest, revision), target/image (an OCI layout) and target/image.cdx.json (what it
/// is made of). Two builds of one commit give one digest.
#[derive(Args)]
pub(crate) struct ImageBuildArgs {
    /// Where the image will lie
    #[arg(
        long,
        env = "ROSTER_IMAGE_REPOSITORY",
        default_value = "docker.io/roster/roster"
    )]
    pub(crate) repository: String,
    /// Take this binary, which must be linked statically, instead of compiling; counts as a work tree with changes
    #[arg(long, value_name = "FILE")]
    pub(crate) binary: Option<PathBuf>,
    /// Hand it to the local Docker engine too
    #[arg(long)]
    pub(crate) load: bool,
}

/// Push the image that was built last, under its commit and its branch; --release adds its version.
///
/// Tags of a commit and of a release never move: pushing the same image again succeeds, another image is refused (exit
/// code 5) before anything is uploaded. A registry with immutable tags keeps the branch's tag where it is.
///

/// Credentials come from Docker's configuration (`docker login`, `DOCKER_CONFIG`). Signed with cosign when
/// `ROSTER_COSIGN_KEY` names a key or `ROSTER_COSIGN_KEYLESS` is set.
#[derive(Args)]
pub(crate) struct ImagePushArgs {
    /// Where it shall lie, instead of where `image build` said
    #[arg(long, env = "ROSTER_IMAGE_REPOSITORY")]
    pub(crate) repository: Option<String>,
    /// Branch whose tag shall follow this image; the one checked out by default
    #[arg(long)]
    pub(crate) branch: Option<String>,
    /// Tag it with the workspace's version too; refused when another image has that tag
    #[arg(long)]
    pub(crate) release: bool,
    /// Push an image of a work tree with changes, under its commit and `-dirty`
    #[arg(long)]
    pub(crate) allow_dirty: bool,
}

/// The environments.
#[derive(Clone, Copy, ValueEnum)]
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

/// Deploy an image to an environment, and prove that it serves. On failure, go back to what served before.
///
/// The cluster is the kubeconfig's current context, which helm-chart/environments/clusters.yaml must name. The image
/// is the registry's of this commit, in development else of this branch, always by digest; production takes signed
/// images alone. Steps: preflight, image, chart, needs, lock, repair, changes, upgrade (which migrates first), smoke
/// test, watch. Killed at any of them and run again, it converges.
///
/// Exit codes beside the usual ones, each after going back: 6 helm could not install it; 10 the migration failed;
/// 11 the new pods crash; 12 they are never ready; 13 the smoke test failed; 14 it serves errors; 15 the image could
/// not be pulled or started.
#[derive(Args)]
pub(crate) struct DeployArgs {
    /// Environment to deploy to
    #[arg(long)]
    pub(crate) env: EnvironmentName,
    /// Image to deploy, instead of the registry's of this commit (in development else of the branch)
    #[arg(long, value_name = "REFERENCE")]
    pub(crate) image: Option<String>,
    /// Where images lie; the environment's own registry by default, where Terraform made one, or docker.io/roster/roster
    #[arg(long, env = "ROSTER_IMAGE_REPOSITORY")]
    pub(crate) repository: Option<String>,
    /// Branch whose latest image development takes when this commit has none; the one checked out by default
    #[arg(long)]
    pub(crate) branch: Option<String>,
    /// Further values for the chart, which win over the environment's; in the variable, separated by commas
    #[arg(
        long,
        env = "ROSTER_VALUES",
        value_delimiter = ',',
        value_name = "FILE"
    )]
    pub(crate) values: Vec<PathBuf>,
    /// Domain of the environment: the service answers at service.DOMAIN; Terraform's by default, where it made the cluster
    #[arg(long, env = "ROSTER_DOMAIN")]
    pub(crate) domain: Option<String>,
    /// Show what would change, and change nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Do not ask before production changes
    #[arg(long)]
    pub(crate) yes: bool,
    /// Longest time that the rollout, and going back, may take each, in seconds
    #[arg(long, default_value_t = 300, value_name = "SECONDS")]
    pub(crate) timeout: u64,
    /// How long errors and readiness are watched afterwards, in seconds
    #[arg(long, default_value_t = 20, value_name = "SECONDS")]
    pub(crate) watch_seconds: u64,
}

impl DeployArgs {
    /// The time-out.
    pub(crate) fn timeout(&self) -> Duration {
        Duration::from_secs(self.timeout)
    }
}

/// Go back to an earlier revision of the release: the one before, or the one that is named.
#[derive(Args)]
pub(crate) struct RollbackArgs {
    /// Environment to go back in
    #[arg(long)]
    pub(crate) env: EnvironmentName,
    /// Revision to go back to (cargo xtask status lists them)
    #[arg(long)]
    pub(crate) revision: Option<u32>,
    /// Do it in production
    #[arg(long)]
    pub(crate) yes: bool,
    /// Longest time that it may take, in seconds
    #[arg(long, default_value_t = 300, value_name = "SECONDS")]
    pub(crate) timeout: u64,
}

/// Show what runs in an environment. Exits with 1 when nobody is served.
#[derive(Args)]
pub(crate) struct StatusArgs {
    /// Environment to look at
    #[arg(long)]
    pub(crate) env: EnvironmentName,
    /// Run the chart's smoke test too: a user is created, read, changed and deleted by the Service. Exits with 1 when
    /// it fails
    #[arg(long)]
    pub(crate) smoke_test: bool,
}

/// Show the log of every pod that serves.
#[derive(Args)]
pub(crate) struct LogsArgs {
    /// Environment to look at
    #[arg(long)]
    pub(crate) env: EnvironmentName,
    /// Go on as lines are written
    #[arg(long, short)]
    pub(crate) follow: bool,
    /// How far back, such as 5m or 2h
    #[arg(long, default_value = "10m")]
    pub(crate) since: String,
}

/// Prove the delivery on the current context's cluster: build, push, deploy, upgrade, go back, drain and scale under
/// load, break it on purpose, renew certificates.
///
/// The cluster must belong to the development environment. The database is a private PostgreSQL of this machine, when
/// pods reach this machine at their node's address, or the one that --database-url names. Everything is taken away
/// at the end, unless --keep is said.
#[derive(Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct E2eArgs {
    #[command(subcommand)]
    pub(crate) story: Option<E2eStory>,
    /// Image to deploy, instead of one built from the work tree
    #[arg(long, value_name = "REFERENCE")]
    pub(crate) image: Option<String>,
    /// Take this binary of the service, which must be linked statically, instead of compiling
    #[arg(long, value_name = "FILE")]
    pub(crate) binary: Option<PathBuf>,
    /// Where images are pushed to
    #[arg(
        long,
        env = "ROSTER_IMAGE_REPOSITORY",
        default_value = "docker.io/roster/roster"
    )]
    pub(crate) repository: String,
    /// Values for this cluster, such as helm-chart/ci/local-values.yaml
    #[arg(long, value_name = "FILE")]
    pub(crate) values: Vec<PathBuf>,
    /// Domain below which the service gets its name
    #[arg(long, env = "ROSTER_DOMAIN")]
    pub(crate) domain: Option<String>,
    /// Authority that signs the Gateway's certificate (PEM)
    #[arg(long, value_name = "FILE")]
    pub(crate) ca_file: Option<PathBuf>,
    /// Database that pods and this machine reach, instead of one started here
    #[arg(
        long,
        value_name = "URL",
        hide_env_values = true,
        env = "ROSTER_E2E_DATABASE_URL"
    )]
    pub(crate) database_url: Option<String>,
    /// Requests a second
    #[arg(long, default_value_t = 200)]
    pub(crate) rate: u64,
    /// Each exercise once instead of through every way in; without scaling, slow faults, renewals and Ingress
    #[arg(long)]
    pub(crate) quick: bool,
    /// Leave the namespace as it is at the end
    #[arg(long)]
    pub(crate) keep: bool,
}

/// Other stories than the delivery's. They are on the pages of other programs, which `cargo xtask` runs for them.
#[derive(Subcommand)]
pub(crate) enum E2eStory {
    /// Follow an outage of a real Roster to Slack's stand-in and back, with a real Prometheus and a real Alertmanager
    Alerts,
    /// Kill the primary of a streaming pair under load, promote the standby, and see Roster go on by itself
    Standby,
    /// Run Roster behind a real `pgbouncer` in each of its modes, and print what works
    Pgbouncer,
    /// Open /docs in a real Chromium, paste a token, create a user, and keep a picture of the page
    Docs,
    /// Kill the service again and again under a load of idempotent creates, and account for every one of them
    Kills,
}
