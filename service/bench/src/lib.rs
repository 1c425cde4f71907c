//! The benchmarks: how fast Roster is compared with its peers and the limits, and whether it became slower.

mod api;
mod bulk;
mod capacity;
mod cli;
mod command;
mod compare;
mod contestants;
mod curves;
mod database;
mod flamegraph;
mod footprint;
mod goals;
mod growth;
mod instructions;
mod list;
mod lists;
mod load;
mod machine;
mod overload;
mod page;
mod participants;
mod pgbench;
mod plans;
mod plot;
mod programs;
mod questions;
mod ratio_goals;
mod replicas;
mod replicated;
mod results;
mod roster;
mod scim;
mod server;
mod table;
mod tail;
mod walk;

use std::process::ExitCode;

use cli::Command;

/// Parses the command line and runs one command.
pub fn main() -> ExitCode {
    xtask::program::main(|cli: cli::Cli| match cli.command {
        Command::Bench(args) => command::run(args),
        Command::Check { .. } => capacity::check(),
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_commands_are_those_of_the_list() {
        let program = xtask::program::Program::Bench;
        let differences = program.differences::<crate::cli::Cli>();
        assert!(differences.is_empty(), "{}", differences.join("\n"));
    }
}
