//! Checks of the whole repository's sources: layers of the service, documents.

mod check;
mod cli;

use std::process::ExitCode;

use cli::Command;

/// Parses the command line and runs one command.
pub fn main() -> ExitCode {
    xtask::program::main(|cli: cli::Cli| match cli.command {
        Command::Check { area } => check::run(&area),
    })
}
