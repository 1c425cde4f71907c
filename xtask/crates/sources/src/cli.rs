//! The command line of the source checks.

use clap::{Parser, Subcommand};

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
    /// Run one area of `cargo xtask check`
    #[command(hide = true)]
    Check {
        #[arg(value_parser = ["layers", "docs"])]
        area: String,
    },
}
