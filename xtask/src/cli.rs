//! Every command and flag of `cargo xtask`, on one page.
//!
//! Only the shape of the command line is here: what a command does is in `commands/<command>.rs`.

use clap::{Args, Parser, Subcommand};

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
