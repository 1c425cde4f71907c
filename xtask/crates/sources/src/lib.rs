//! Checks of the whole repository's sources: layers of the service, documents.

#![allow(
    clippy::print_stdout,
    reason = "results go to stdout, everything else to stderr"
)]

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

#[cfg(test)]
mod tests {
    #[test]
    fn the_commands_are_those_of_the_list() {
        let program = xtask::program::Program::Sources;
        let differences = xtask::command_list::differences::<crate::cli::Cli>(program);
        assert!(differences.is_empty(), "{}", differences.join("\n"));
    }
}
