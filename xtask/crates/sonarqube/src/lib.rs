//! Coverage and SonarQube.

mod cli;
mod commands;
mod sonar;

pub use sonar::project_key;

use std::process::ExitCode;

use cli::Command;

/// Parses the command line and runs one command.
pub fn main() -> ExitCode {
    xtask::program::main(|cli: cli::Cli| match cli.command {
        Command::Coverage(args) => commands::coverage::run(&args),
        Command::Sonar(args) => commands::sonar::run(&args),
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_commands_are_those_of_the_list() {
        let program = xtask::program::Program::Sonarqube;
        let differences = program.differences::<crate::cli::Cli>();
        assert!(differences.is_empty(), "{}", differences.join("\n"));
    }
}
