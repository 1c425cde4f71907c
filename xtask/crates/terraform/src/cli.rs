//! The command line of the cloud: `cargo xtask infra …`.

use clap::{Args, Parser, Subcommand};

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
    Infra(InfraArgs),
    /// Run one area of `cargo xtask check`
    #[command(hide = true)]
    Check {
        #[arg(value_parser = ["terraform"])]
        area: String,
    },
    /// Write or compare one area of `cargo xtask generate`
    #[command(hide = true)]
    Generate {
        #[arg(value_parser = ["modules", "prices"])]
        area: String,
        #[arg(long)]
        check: bool,
    },
}

/// Plan, apply and destroy the cloud infrastructure of an environment with Terraform.
///
/// An environment is a directory below terraform/environments; `bootstrap` is applied before the first one. Before
/// planning, the workspace and project are compared with the environment's.
#[derive(Args)]
pub(crate) struct InfraArgs {
    #[command(subcommand)]
    pub(crate) command: InfraCommand,
}

#[derive(Subcommand)]
pub(crate) enum InfraCommand {
    Plan(InfraPlanArgs),
    Apply(InfraApplyArgs),
    Destroy(InfraDestroyArgs),
    Output(InfraOutputArgs),
    Validate(InfraEnvArgs),
    Lock(InfraLockArgs),
    Up(InfraUpArgs),
    Mutate(InfraMutateArgs),
}

/// Show what applying would change, and what the environment costs per month.
///
/// Nothing is changed. Destroyed resources are listed individually. The plan file is removed when the command exits.
#[derive(Args)]
pub(crate) struct InfraPlanArgs {
    /// Environment: dev, production or bootstrap
    #[arg(long, value_name = "NAME")]
    pub(crate) env: String,
    /// Show Terraform's full plan after the summary
    #[arg(long)]
    pub(crate) full: bool,
    /// Fail (exit code 1) if there is anything to change; detects drift
    #[arg(long)]
    pub(crate) fail_on_change: bool,
    /// Plan for an empty project, from a copy, without access to Google or any state
    #[arg(long, conflicts_with = "fail_on_change")]
    pub(crate) preview: bool,
}

/// Plan, show, ask, and apply exactly what was shown.
#[derive(Args)]
pub(crate) struct InfraApplyArgs {
    /// Environment: dev, production or bootstrap
    #[arg(long, value_name = "NAME")]
    pub(crate) env: String,
    /// Do not ask. On production and bootstrap, destroyed resources still require --allow-destroy
    #[arg(long)]
    pub(crate) yes: bool,
    /// Address of a resource that may be destroyed or replaced; repeatable
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) allow_destroy: Vec<String>,
}

/// Destroy everything in an environment, after asking for its name.
///
/// Deletion protection of cluster and database must be disabled first: apply `deletion_protection = false`. Bootstrap
/// stays, because it holds the state.
#[derive(Args)]
pub(crate) struct InfraDestroyArgs {
    /// Environment: dev or production
    #[arg(long, value_name = "NAME")]
    pub(crate) env: String,
    /// Do not ask; requires the environment's name again
    #[arg(long, value_name = "NAME")]
    pub(crate) yes_destroy_everything_in: Option<String>,
}

/// Print the outputs of an applied environment: cluster, registry, database, hosts.
#[derive(Args)]
pub(crate) struct InfraOutputArgs {
    /// Environment: dev, production or bootstrap
    #[arg(long, value_name = "NAME")]
    pub(crate) env: String,
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

/// Check format and validity of an environment, without an account.
#[derive(Args)]
pub(crate) struct InfraEnvArgs {
    /// Environment: dev, production or bootstrap
    #[arg(long, value_name = "NAME")]
    pub(crate) env: String,
}

/// Write the lock file: the providers' checksums, from the registry.
///
/// Run it once, and again when a provider's version changes; commit the file. Never uses a mirror.
#[derive(Args)]
pub(crate) struct InfraLockArgs {
    /// Environment: dev, production or bootstrap
    #[arg(long, value_name = "NAME")]
    pub(crate) env: String,
}

/// Create everything, from an empty project to four hosts that serve HTTPS.
///
/// Applies bootstrap and the environment, sets up name servers, deploys the service and waits for the certificate.
/// Every step checks whether it is already done, so an interrupted command can be run again. Prints the addresses and
/// the monthly price at the end.
#[derive(Args)]
pub(crate) struct InfraUpArgs {
    /// Environment: dev or production
    #[arg(long, value_name = "NAME")]
    pub(crate) env: String,
    /// Do not ask
    #[arg(long)]
    pub(crate) yes: bool,
    /// How long to wait for the four hosts, in minutes
    #[arg(long, default_value_t = 60, value_name = "MINUTES")]
    pub(crate) wait_minutes: u64,
}

/// Break each security control in a copy, and verify that its test fails.
///
/// The mutations are in terraform/mutations/. One that no test notices fails the command.
#[derive(Args)]
pub(crate) struct InfraMutateArgs {
    /// Controls to break [default: all]
    #[arg(value_name = "CONTROL")]
    pub(crate) names: Vec<String>,
}
