//! The command line of the checks of the sources.

use clap::{Parser, Subcommand};

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
    /// Check one area: a step of `cargo xtask check`
    #[command(hide = true)]
    Check {
        #[arg(value_parser = ["layers", "docs"])]
        area: String,
    },
}
