//! The command line of delivery: image, cluster, and end-to-end tests.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};

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
    Deploy(DeployArgs),
    Rollback(RollbackArgs),
    Status(StatusArgs),
    Logs(LogsArgs),
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

/// Build the image of this commit: the statically linked binary and the root certificates.
///
/// Writes target/image.json (name, digest, revision), target/image (an OCI layout) and target/image.cdx.json (an SBOM).
/// Builds are reproducible: the same commit gives the same digest.
#[derive(Args)]
pub(crate) struct ImageBuildArgs {
    /// Repository of the image
    #[arg(
        long,
        env = "ROSTER_IMAGE_REPOSITORY",
        default_value = "docker.io/roster/roster"
    )]
    pub(crate) repository: String,
    /// Use this statically linked binary instead of compiling; counts as a modified working tree
    #[arg(long, value_name = "FILE")]
    pub(crate) binary: Option<PathBuf>,
    /// Also load it into the local Docker engine
    #[arg(long)]
    pub(crate) load: bool,
}

/// Push the image that was built last, under its commit and its branch; --release adds its version.
///
/// Tags of a commit and of a release never move: pushing the same image again succeeds, another image is refused (exit
/// code 5) before anything is uploaded. A registry with immutable tags keeps the branch's tag where it is.
///
/// Credentials come from Docker's configuration (`docker login`, `DOCKER_CONFIG`). Signs with cosign if
/// `ROSTER_COSIGN_KEY` names a key or `ROSTER_COSIGN_KEYLESS` is set.
#[derive(Args)]
pub(crate) struct ImagePushArgs {
    /// Repository to push to, instead of the one given to `image build`
    #[arg(long, env = "ROSTER_IMAGE_REPOSITORY")]
    pub(crate) repository: Option<String>,
    /// Branch whose tag moves to this image [default: the current branch]
    #[arg(long)]
    pub(crate) branch: Option<String>,
    /// Tag it with the workspace's version too; refused when another image has that tag
    #[arg(long)]
    pub(crate) release: bool,
    /// Push an image of a modified working tree, tagged with its commit and `-dirty`
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

/// Deploy an image to an environment and verify that it serves. Rolls back on failure.
///
/// The cluster is the kubeconfig's current context, which helm-chart/environments/clusters.yaml must name. The image
/// is the registry's of this commit, in development else of this branch, always by digest; production takes signed
/// images alone. Steps: preflight, image, chart, needs, lock, repair, changes, upgrade (which migrates first), smoke
/// test, watch. Killed at any of them and run again, it converges.
#[derive(Args)]
#[command(after_help = xtask::failure::exit_codes_help(&xtask::failure::Kind::ALL))]
pub(crate) struct DeployArgs {
    /// Environment to deploy to
    #[arg(long)]
    pub(crate) env: EnvironmentName,
    /// Image to deploy, instead of the registry's of this commit (in development else of the branch)
    #[arg(long, value_name = "REFERENCE")]
    pub(crate) image: Option<String>,
    /// Repository of images [default: the environment's registry if Terraform created one, or docker.io/roster/roster]
    #[arg(long, env = "ROSTER_IMAGE_REPOSITORY")]
    pub(crate) repository: Option<String>,
    /// Branch whose latest image development takes when this commit has none; the one checked out by default
    #[arg(long)]
    pub(crate) branch: Option<String>,
    /// Additional values files for the chart, which override the environment's; comma-separated in the variable
    #[arg(
        long,
        env = "ROSTER_VALUES",
        value_delimiter = ',',
        value_name = "FILE"
    )]
    pub(crate) values: Vec<PathBuf>,
    /// Domain of the environment: the service is served at service.DOMAIN [default: Terraform's, if it created the
    /// cluster]
    #[arg(long, env = "ROSTER_DOMAIN")]
    pub(crate) domain: Option<String>,
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

/// Roll back to an earlier revision of the release [default: the previous one].
#[derive(Args)]
pub(crate) struct RollbackArgs {
    /// Environment to roll back
    #[arg(long)]
    pub(crate) env: EnvironmentName,
    /// Revision to roll back to (cargo xtask status lists them)
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
    /// Environment
    #[arg(long)]
    pub(crate) env: EnvironmentName,
    /// Also run the chart's smoke test, which creates, reads, changes and deletes a user through the Service; exits
    /// with 1 if it fails
    #[arg(long)]
    pub(crate) smoke_test: bool,
}

/// Show the logs of all serving pods.
#[derive(Args)]
pub(crate) struct LogsArgs {
    /// Environment
    #[arg(long)]
    pub(crate) env: EnvironmentName,
    /// Follow the logs
    #[arg(long, short)]
    pub(crate) follow: bool,
    /// Start this long ago, such as 5m or 2h
    #[arg(long, default_value = "10m")]
    pub(crate) since: String,
}

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

/// Other end-to-end tests. They belong to other programs, which `cargo xtask` runs.
#[derive(Subcommand)]
pub(crate) enum E2eStory {
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
