//! Every command and flag of `cargo xtask`, on one page.
//!
//! Only the shape of the command line is here: what a command does is in `commands/<command>.rs`.

mod delivery;

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

pub(crate) use delivery::*;

/// Every step of Roster's development and delivery. Makefile, CI and a laptop run the same commands.
///
/// Exit codes: 0 all is well; 1 a check or test failed; 2 wrong usage or settings; 3 a tool or prerequisite is
/// missing; 4 something could not be reached (database, cluster, registry, server); 5 refused by policy; 6 a rollout
/// failed or was rolled back; 130 interrupted.
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
    Check(CheckArgs),
    Image(ImageArgs),
    Tools(ToolsArgs),
    Deploy(DeployArgs),
    Rollback(RollbackArgs),
    Status(StatusArgs),
    Logs(LogsArgs),
    E2e(E2eArgs),
    Dev(DevArgs),
    Test(TestArgs),
    /// Say what this machine has of what the commands need, and how to get the rest.
    Doctor,
    SlackStandIn(SlackStandInArgs),
}

/// Check the repository: all areas, or those named.
///
/// Nothing is changed. Every area is tried even when an earlier one failed; a table at the end says what passed, what
/// failed and what could not be proven because a tool is missing (exit code 3, with how to get it).
#[derive(Args)]
#[command(after_help = crate::check::areas_help())]
pub(crate) struct CheckArgs {
    /// Areas to check; all of them when none is named
    #[arg(value_name = "AREA", value_parser = clap::builder::PossibleValuesParser::new(crate::check::area_names()))]
    pub(crate) areas: Vec<String>,
}

/// Run the service with a PostgreSQL of its own on this machine, until Ctrl-C.
///
/// Builds the service, finds or starts a PostgreSQL (DATABASE_URL; else server binaries on this machine, run as a
/// private instance below target/; else a container), migrates, serves, and follows the log. Ctrl-C and SIGTERM stop
/// all of it; nothing is left running. Data are kept for the next time.
#[derive(Args)]
#[allow(clippy::doc_markdown, reason = "this text is shown on a terminal")]
#[allow(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub(crate) struct DevArgs {
    /// The service's port; 0 takes any free one [default: 8080, or a free one when it is taken]
    #[arg(long, value_name = "PORT")]
    pub(crate) port: Option<u16>,
    /// Begin with new data
    #[arg(long)]
    pub(crate) fresh: bool,
    /// Fill an empty directory with N plausible users first
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000_000))]
    pub(crate) seed: Option<u32>,
    /// Print one line of JSON on stdout when ready: url, admin_url, database_url, token, client_id, client_secret
    #[arg(long)]
    pub(crate) json: bool,
    /// Let everyone in, without tokens
    #[arg(long)]
    pub(crate) no_auth: bool,
    /// Build and run the service optimised, as it is shipped
    #[arg(long)]
    pub(crate) release: bool,
}

/// Run all tests of the workspace on a PostgreSQL that is found or started for them.
///
/// It is looked for as by `dev`; the line `postgres: tests run on …` says which was taken. ROSTER_TEST_POSTGRES
/// (auto, private, container) chooses the kind, and ROSTER_TEST_POSTGRES_IMAGE names the image of a container, which
/// is then preferred. Each test has a database of its own, dropped after it. Nothing is skipped for want of a server.
#[derive(Args)]
#[allow(clippy::doc_markdown, reason = "this text is shown on a terminal")]
pub(crate) struct TestArgs {
    /// Take this kind of server, whatever the environment says
    #[arg(long, value_enum, value_name = "KIND")]
    pub(crate) postgres: Option<PostgresKind>,
    /// Arguments for `cargo test`, such as a filter: cargo xtask test -- create_user
    #[arg(last = true, value_name = "ARGS")]
    pub(crate) cargo_args: Vec<String>,
}

/// Where a server for tests comes from.
#[derive(Clone, Copy, clap::ValueEnum)]
pub(crate) enum PostgresKind {
    /// Server binaries on this machine
    Private,
    /// A container, by the Docker engine that answers
    Container,
}

/// Run a stand-in of Slack's API: takes webhooks and chat.postMessage, refuses what Slack would refuse.
///
/// For rehearsals on this machine: point Slack's variables, or Alertmanager, at it. Prints one line of
/// JSON with its addresses when it is ready, and runs until Ctrl-C.
#[derive(Args)]
pub(crate) struct SlackStandInArgs {
    /// Where it listens; port 0 takes any free one
    #[arg(long, default_value = "127.0.0.1:0", value_name = "ADDRESS")]
    pub(crate) listen: SocketAddr,
    /// Append every accepted message to this file, one line of JSON each
    #[arg(long, value_name = "FILE")]
    pub(crate) record: Option<PathBuf>,
    /// Answer this many messages with 429 first
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub(crate) rate_limited: u32,
    /// Answer every message with this status instead of looking at it
    #[arg(long, value_name = "STATUS", value_parser = clap::value_parser!(u16).range(400..=599))]
    pub(crate) broken: Option<u16>,
}
