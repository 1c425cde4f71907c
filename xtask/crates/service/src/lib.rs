//! Tests of the service as a whole: its test suite, API contract, documentation page, and failures of PostgreSQL or the
//! service.

mod check;
mod chromium;
mod cli;
mod commands;
mod network_link;
mod nobody;
mod postgres_pair;
mod proxy;
pub mod watched_roster;

use std::process::ExitCode;

use cli::Command;
use xtask::generated::{Mode, apply};

/// Parses the command line and runs one command.
pub fn main() -> ExitCode {
    xtask::program::main(|cli: cli::Cli| match cli.command {
        Command::Contract(args) => commands::contract::run(&args),
        Command::Test(args) => commands::test::run(&args),
        Command::Fuzz(args) => commands::fuzz::run(&args),
        Command::E2e(args) => commands::e2e(&args.story),
        Command::Check { .. } => check::openapi::run(),
        Command::Generate { area, check } => {
            let files = match area.as_str() {
                "openapi" => check::openapi::generated()?,
                _ => vec![check::settings::generated()?],
            };
            apply(&area, &files, Mode::of(check))
        }
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_commands_are_those_of_the_list() {
        let program = xtask::program::Program::Service;
        let differences = program.differences::<crate::cli::Cli>();
        assert!(differences.is_empty(), "{}", differences.join("\n"));
    }
}
