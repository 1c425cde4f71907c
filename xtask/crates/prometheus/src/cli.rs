//! The command line of monitoring: rules, dashboards, the path of alerts to Slack.

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
    Rules(RulesArgs),
    Dashboards(DashboardsArgs),
    E2e(E2eArgs),
    /// Run one area of `cargo xtask check`
    #[command(hide = true)]
    Check {
        #[arg(value_parser = ["rules"])]
        area: String,
    },
    /// Write or compare one area of `cargo xtask generate`
    #[command(hide = true)]
    Generate {
        #[arg(value_parser = ["rules"])]
        area: String,
        #[arg(long)]
        check: bool,
    },
}

/// Generate files from `prometheus/slos.toml`, or test the tests of the rules.
#[derive(Args)]
pub(crate) struct RulesArgs {
    #[command(subcommand)]
    pub(crate) command: RulesCommand,
}

#[derive(Subcommand)]
pub(crate) enum RulesCommand {
    /// Write the rules, dashboards, links and tables defined by `prometheus/slos.toml`
    ///
    /// Run it after changing that file and commit the result: `cargo xtask check rules` fails on a difference.
    Generate,
    /// Run `cargo xtask check rules` with a share of the mutants, for CI
    Check {
        /// Share of the mutants to test, in percent
        #[arg(long, default_value_t = 10, value_name = "PERCENT", value_parser = clap::value_parser!(u8).range(1..=100))]
        share: u8,
        /// Seed that selects them [default: the commit]
        #[arg(long, value_name = "TEXT")]
        seed: Option<String>,
    },
    /// Apply every mutation to every rule, and verify that a test fails each time
    ///
    /// `cargo xtask check rules` does the same once per state of rules and tests; this command always does it.
    Mutate {
        /// Alerts or recorded series [default: all]
        #[arg(value_name = "RULE")]
        names: Vec<String>,
        /// Mutate nothing, and verify that every rule passes: a failure is a fault of the mutation runner
        #[arg(long)]
        control: bool,
    },
}

/// Run every query of every dashboard on a real Prometheus that scrapes a real Roster; an empty panel is a failure.
///
/// Starts a private PostgreSQL, two replicas, a light load and Prometheus, with a database outage and a restart of a
/// replica, so that there is something to show. Nothing is left running.
#[derive(Args)]
pub(crate) struct DashboardsArgs {
    /// Write the images in docs/dashboards and the page docs/dashboards.md
    #[arg(long)]
    pub(crate) draw: bool,
    /// How long Roster runs
    #[arg(long, default_value_t = 6, value_name = "MINUTES", value_parser = clap::value_parser!(u32).range(1..=240))]
    pub(crate) minutes: u32,
}

/// Test the path of alerts.
#[derive(Args)]
pub(crate) struct E2eArgs {
    #[command(subcommand)]
    pub(crate) story: E2eStory,
}

#[derive(Subcommand)]
pub(crate) enum E2eStory {
    Alerts(AlertsArgs),
}

/// Follow an outage of a real Roster to a stand-in for Slack and back, with a real Prometheus and Alertmanager
///
/// Cuts off the database of two replicas under load: the alert must become pending, fire, and reach Slack with its
/// value and runbook. When the database is back, the alert must resolve and Slack must be notified. Prints the time of
/// each event.
#[derive(Args)]
pub(crate) struct AlertsArgs {
    /// Divide every duration in the rules and in Alertmanager's configuration by this
    #[arg(long, default_value_t = 20, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=60))]
    pub(crate) speed: u32,
    /// Use the durations as they are; takes about 15 minutes
    #[arg(long, conflicts_with = "speed")]
    pub(crate) real_time: bool,
    /// Use this Prometheus instead of the installed one, such as that of the operating system
    #[arg(long, value_name = "FILE")]
    pub(crate) prometheus: Option<std::path::PathBuf>,
}
