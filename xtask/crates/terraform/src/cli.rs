//! The command line of the cloud: `cargo xtask infra …`.

use clap::{Args, Parser, Subcommand};

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
    Infra(InfraArgs),
    /// Check one area: a step of `cargo xtask check`
    #[command(hide = true)]
    Check {
        #[arg(value_parser = ["terraform"])]
        area: String,
    },
}

/// Plan, apply and destroy the cloud of an environment, with Terraform.
///
/// An environment is a folder below terraform/environments; `bootstrap` is applied before the first of them. Before
/// anything is planned, workspace and project are compared with what the environment names.
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

/// Show what applying would change, and what the environment costs a month.
///
/// Nothing is changed. What would be destroyed is listed one by one; the plan file is removed when the command ends.
#[derive(Args)]
pub(crate) struct InfraPlanArgs {
    /// Environment: dev, production or bootstrap
    #[arg(long, value_name = "NAME")]
    pub(crate) env: String,
    /// Show Terraform's whole plan after the summary
    #[arg(long)]
    pub(crate) full: bool,
    /// Fail (exit code 1) when there is anything to change: finds what was changed by hand
    #[arg(long)]
    pub(crate) fail_on_change: bool,
    /// Plan as for an empty project, from a copy, without asking Google or any state
    #[arg(long, conflicts_with = "fail_on_change")]
    pub(crate) preview: bool,
}

/// Plan, show, ask, and apply exactly what was shown.
#[derive(Args)]
pub(crate) struct InfraApplyArgs {
    /// Environment: dev, production or bootstrap
    #[arg(long, value_name = "NAME")]
    pub(crate) env: String,
    /// Do not ask. On production and bootstrap, what is destroyed must be named all the same
    #[arg(long)]
    pub(crate) yes: bool,
    /// Address of a resource that may be destroyed or replaced; once for each
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) allow_destroy: Vec<String>,
}

/// Destroy everything in an environment, after asking for its name.
///
/// Cluster and database refuse until `deletion_protection = false` has been applied. Bootstrap stays: it keeps the state.
#[derive(Args)]
pub(crate) struct InfraDestroyArgs {
    /// Environment: dev or production
    #[arg(long, value_name = "NAME")]
    pub(crate) env: String,
    /// Do not ask; takes the environment's name a second time
    #[arg(long, value_name = "NAME")]
    pub(crate) yes_destroy_everything_in: Option<String>,
}

/// Print what an applied environment tells others: cluster, registry, database, hosts.
#[derive(Args)]
pub(crate) struct InfraOutputArgs {
    /// Environment: dev, production or bootstrap
    #[arg(long, value_name = "NAME")]
    pub(crate) env: String,
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

/// Check format and validity of an environment, without any account.
#[derive(Args)]
pub(crate) struct InfraEnvArgs {
    /// Environment: dev, production or bootstrap
    #[arg(long, value_name = "NAME")]
    pub(crate) env: String,
}

/// Write the lock file: the providers' checksums, from the registry itself.
///
/// Done once, and again when a provider's version changes; the file is committed. A mirror is never asked.
#[derive(Args)]
pub(crate) struct InfraLockArgs {
    /// Environment: dev, production or bootstrap
    #[arg(long, value_name = "NAME")]
    pub(crate) env: String,
}

/// Go from an empty project to four hosts that answer over HTTPS.
///
/// Bootstrap, environment, name servers, the service, and waiting for the certificate. Every step looks whether it is
/// done already: stopped anywhere, the same command goes on. It ends with the addresses and the monthly price.
#[derive(Args)]
pub(crate) struct InfraUpArgs {
    /// Environment: dev or production
    #[arg(long, value_name = "NAME")]
    pub(crate) env: String,
    /// Do not ask
    #[arg(long)]
    pub(crate) yes: bool,
    /// How long to wait for the four hosts
    #[arg(long, default_value_t = 60, value_name = "MINUTES")]
    pub(crate) wait_minutes: u64,
}

/// Break each control of the cloud in a copy and see that its test fails.
///
/// The mutations are in terraform/mutations/. One that no test notices fails the command.
#[derive(Args)]
pub(crate) struct InfraMutateArgs {
    /// Controls to break; all of them when none is named
    #[arg(value_name = "CONTROL")]
    pub(crate) names: Vec<String>,
}
