//! The command line of what watches Roster: rules, dashboards, the alerts' way to Slack.

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
    Rules(RulesArgs),
    Dashboards(DashboardsArgs),
    E2e(E2eArgs),
    /// Check one area: a step of `cargo xtask check`
    #[command(hide = true)]
    Check {
        #[arg(value_parser = ["rules"])]
        area: String,
    },
}

/// Make what comes from `prometheus/slos.toml`, or try how good the rules' tests are.
#[derive(Args)]
pub(crate) struct RulesArgs {
    #[command(subcommand)]
    pub(crate) command: RulesCommand,
}

#[derive(Subcommand)]
pub(crate) enum RulesCommand {
    /// Write the rules, dashboards, links and tables that `prometheus/slos.toml` asks for
    ///
    /// Run it after a change of that file, and commit what it writes: `cargo xtask check rules` fails on a difference.
    Generate,
    /// Check all that `cargo xtask check rules` does, with a share of the broken rules: for CI
    Check {
        /// How many of a hundred broken rules are tried
        #[arg(long, default_value_t = 10, value_name = "PERCENT", value_parser = clap::value_parser!(u8).range(1..=100))]
        share: u8,
        /// What chooses them [default: the commit]
        #[arg(long, value_name = "TEXT")]
        seed: Option<String>,
    },
    /// Break every rule in every way that people do, and see that a test fails each time
    ///
    /// `cargo xtask check rules` does the same once for each state of rules and tests; this does it always.
    Mutate {
        /// Alerts or recorded series; all of them when none is named
        #[arg(value_name = "RULE")]
        names: Vec<String>,
        /// Break nothing, and see that every rule passes: whatever fails then is the fault of how mutants are run
        #[arg(long)]
        control: bool,
    },
}

/// Run every query of every dashboard in a real Prometheus that watches a real Roster; an empty panel is a failure.
///
/// Starts a private PostgreSQL, two replicas, a light load and Prometheus; there is an outage of the database and a
/// restart of a replica, so that there is something to be seen. Nothing is left running.
#[derive(Args)]
pub(crate) struct DashboardsArgs {
    /// Write the pictures in docs/dashboards and the page docs/dashboards.md
    #[arg(long)]
    pub(crate) draw: bool,
    /// How long Roster is watched
    #[arg(long, default_value_t = 6, value_name = "MINUTES", value_parser = clap::value_parser!(u32).range(1..=240))]
    pub(crate) minutes: u32,
}

/// Prove the alerts' way to people.
#[derive(Args)]
pub(crate) struct E2eArgs {
    #[command(subcommand)]
    pub(crate) story: E2eStory,
}

#[derive(Subcommand)]
pub(crate) enum E2eStory {
    Alerts(AlertsArgs),
}

/// Follow an outage of a real Roster to Slack's stand-in and back, with a real Prometheus and a real Alertmanager
///
/// The database of two replicas under load is cut off: the alert must become pending, fire, and reach Slack with value and
/// runbook; the database comes back: the alert must end, and Slack must be told. Prints the time of each turn.
#[derive(Args)]
pub(crate) struct AlertsArgs {
    /// Divide every duration of rules and Alertmanager by this
    #[arg(long, default_value_t = 20, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=60))]
    pub(crate) speed: u32,
    /// Take the durations as they are; it takes about a quarter of an hour
    #[arg(long, conflicts_with = "speed")]
    pub(crate) real_time: bool,
}
