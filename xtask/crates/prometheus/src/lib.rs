//! What watches Roster: SLO rules, alerts and their tests, dashboards, the way to people.

#![allow(
    clippy::print_stdout,
    reason = "results belong on stdout; all the rest goes to stderr"
)]

mod check;
mod cli;
mod commands;
mod prometheus_servers;
mod rule_files;
mod slo;

use std::process::ExitCode;

use cli::Command;

/// Reads the command line and runs one command to its end.
pub fn main() -> ExitCode {
    xtask::program::main(|cli: cli::Cli| match cli.command {
        Command::Rules(args) => commands::rules::run(args.command),
        Command::Dashboards(args) => commands::dashboards::run(&args),
        Command::E2e(args) => {
            let cli::E2eStory::Alerts(alerts) = args.story;
            commands::alerts::run(&alerts)
        }
        Command::Check { .. } => check::rules::run(),
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_commands_are_those_of_the_list() {
        let program = xtask::program::Program::Prometheus;
        let differences = xtask::command_list::differences::<crate::cli::Cli>(program);
        assert!(differences.is_empty(), "{}", differences.join("\n"));
    }
}
