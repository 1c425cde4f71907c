//! The command line of `cargo xtask slack-stand-in`.

use std::net::SocketAddr;
use std::path::PathBuf;

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
    SlackStandIn(SlackStandInArgs),
}

/// Run a stand-in for Slack's API: accepts webhooks and chat.postMessage, rejects what Slack would reject.
///
/// For rehearsals on this machine: point Slack's variables, or Alertmanager, at it. Prints one line of JSON with its
/// addresses when ready, and runs until Ctrl-C.
#[derive(Args)]
pub(crate) struct SlackStandInArgs {
    /// Listen address; port 0 for any free port
    #[arg(long, default_value = "127.0.0.1:0", value_name = "ADDRESS")]
    pub(crate) listen: SocketAddr,
    /// Append every accepted message to this file, one line of JSON each
    #[arg(long, value_name = "FILE")]
    pub(crate) record: Option<PathBuf>,
    /// Respond to this many messages with 429 first
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub(crate) rate_limited: u32,
    /// Respond to every message with this status, without reading it
    #[arg(long, value_name = "STATUS", value_parser = clap::value_parser!(u16).range(400..=599))]
    pub(crate) broken: Option<u16>,
}
