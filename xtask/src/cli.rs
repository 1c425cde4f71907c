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
