//! Delivery: image, cluster, and end-to-end tests.

mod check;
mod cli;
pub mod cluster;
pub mod commands;
pub mod e2e;
pub mod image;

use std::process::ExitCode;

use cli::Command;
use xtask::generated::{Mode, apply};

/// Parses the command line and runs one command.
pub fn main() -> ExitCode {
    xtask::program::main(|cli: cli::Cli| match cli.command {
        Command::Image(args) => commands::image::run(args),
        Command::Chart(args) => commands::chart::run(&args),
        Command::Setup(args) => commands::setup::run(&args),
        Command::Call(args) => commands::call::run(&args),
        Command::Uninstall(args) => commands::uninstall::run(&args),
        Command::Deploy(args) => commands::deploy::run(&args),
        Command::Rollback(args) => commands::rollback::run(&args),
        Command::Status(args) => commands::status::run(&args),
        Command::Logs(args) => commands::status::logs(&args),
        Command::E2e(args) => commands::e2e::run(&args),
        Command::Check { .. } => check::chart::run(),
        Command::Generate { area, check } => {
            apply(&area, &check::chart::generated()?, Mode::of(check))
        }
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_commands_are_those_of_the_list() {
        let program = xtask::program::Program::Delivery;
        let differences = program.differences::<crate::cli::Cli>();
        assert!(differences.is_empty(), "{}", differences.join("\n"));
    }
}
