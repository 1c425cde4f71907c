//! Pipelines, local flows, and notifications.

mod check;
mod cli;
mod commands;
mod concourse;
mod flow;
mod notify;
mod rehearsal;
#[cfg(test)]
mod task_scripts;

use std::process::ExitCode;

use cli::Command;

/// Parses the command line and runs one command.
pub fn main() -> ExitCode {
    xtask::program::main(|cli: cli::Cli| match cli.command {
        Command::Ci(args) => commands::ci_flow::run(&args),
        Command::Notify(args) => commands::notify::run(&args),
        Command::Pipelines(args) => commands::pipelines::run(&args),
        Command::Check { .. } => check::pipelines::run(),
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_commands_are_those_of_the_list() {
        let program = xtask::program::Program::Concourse;
        let differences = program.differences::<crate::cli::Cli>();
        assert!(differences.is_empty(), "{}", differences.join("\n"));
    }
}
