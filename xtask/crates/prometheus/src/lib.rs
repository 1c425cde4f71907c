//! Monitoring: SLO rules, alerts and their tests, dashboards, notifications.

mod check;
mod cli;
mod commands;
mod prometheus_servers;
mod rule_files;
mod slo;

use std::process::ExitCode;

use cli::Command;
use xtask::generated::{Mode, apply};

/// Parses the command line and runs one command.
pub fn main() -> ExitCode {
    xtask::program::main(|cli: cli::Cli| match cli.command {
        Command::Rules(args) => commands::rules::run(args.command),
        Command::Dashboards(args) => commands::dashboards::run(&args),
        Command::E2e(args) => {
            let cli::E2eStory::Alerts(alerts) = args.story;
            commands::alerts::run(&alerts)
        }
        Command::Check { .. } => check::rules::run(),
        Command::Generate { area, check } => apply(&area, &slo::generated::all()?, Mode::of(check)),
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_commands_are_those_of_the_list() {
        let program = xtask::program::Program::Prometheus;
        let differences = program.differences::<crate::cli::Cli>();
        assert!(differences.is_empty(), "{}", differences.join("\n"));
    }
}
