//! The cloud infrastructure: `cargo xtask infra` and `cargo xtask check terraform`.

mod check;
mod cli;
mod commands;
pub mod infra;

use std::process::ExitCode;

use cli::Command;
use xtask::generated::{Mode, apply};

/// Parses the command line and runs one command.
pub fn main() -> ExitCode {
    xtask::program::main(|cli: cli::Cli| match cli.command {
        Command::Infra(args) => commands::infra::run(&args),
        Command::Check { .. } => check::terraform::run(),
        Command::Generate { area, check } => {
            let files = match area.as_str() {
                "modules" => check::terraform::module_readmes()?,
                _ => check::terraform::prices()?,
            };
            apply(&area, &files, Mode::of(check))
        }
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_commands_are_those_of_the_list() {
        let program = xtask::program::Program::Terraform;
        let differences = program.differences::<crate::cli::Cli>();
        assert!(differences.is_empty(), "{}", differences.join("\n"));
    }
}
