//! The command line of `cargo xtask dev`.

use clap::{Args, Parser, Subcommand};
use dev_postgres::Choice;

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
    Dev(DevArgs),
    /// Print which PostgreSQL would be used: a step of `cargo xtask doctor`
    #[command(hide = true)]
    FindPostgres,
}

/// Run the service with its own PostgreSQL on this machine, until Ctrl-C.
///
/// Builds the service, finds or starts a PostgreSQL, migrates, serves, and prints the log. Ctrl-C and SIGTERM stop
/// everything; nothing is left running. The data is kept for the next run.
///
/// PostgreSQL is the server in DATABASE_URL; otherwise a private instance below target/ from server binaries on this
/// machine; otherwise a container; otherwise PostgreSQL 18 from prebuilt binaries, which are downloaded once from Maven
/// Central, or from the mirror in ROSTER_DEV_POSTGRES_MIRROR, into the user's cache folder. --postgres or
/// ROSTER_DEV_POSTGRES choose another.
#[derive(Args)]
#[allow(clippy::doc_markdown, reason = "this text is shown on a terminal")]
#[allow(clippy::struct_excessive_bools, reason = "each is a separate flag")]
pub(crate) struct DevArgs {
    /// Port of the service; 0 for any free port [default: 8080, or a free port if it is in use]
    #[arg(long, value_name = "PORT")]
    pub(crate) port: Option<u16>,
    /// PostgreSQL: system (binaries on this machine), embedded, container, 15, 16, 17, 18 (prebuilt) or a URL
    ///
    /// A process list shows arguments: a URL with a password is better set as DATABASE_URL.
    #[arg(long, value_name = "WHICH")]
    pub(crate) postgres: Option<Choice>,
    /// Start with new data
    #[arg(long)]
    pub(crate) fresh: bool,
    /// Seed an empty directory with N generated users
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000_000))]
    pub(crate) seed: Option<u32>,
    /// Print one line of JSON on stdout when ready: url, admin_url, database_url, token, client_id, client_secret
    #[arg(long)]
    pub(crate) json: bool,
    /// Accept requests without tokens
    #[arg(long)]
    pub(crate) no_auth: bool,
    /// Build and run the service with optimisations, as released
    #[arg(long)]
    pub(crate) release: bool,
}
