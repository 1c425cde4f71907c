//! The command line of `cargo xtask dev`.

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
    Dev(DevArgs),
    /// Say which PostgreSQL would be run: a step of `cargo xtask doctor`
    #[command(hide = true)]
    FindPostgres,
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
