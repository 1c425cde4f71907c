//! Dispatches our own parsed commands.

mod check;
mod compile;
mod doctor;
mod generate;
mod tools;

use anyhow::Result;

use crate::cli::Command;

/// Runs one command to its end.
pub(crate) fn run(command: Command) -> Result<()> {
    match command {
        Command::Check(args) => check::run(&args),
        Command::Generate(args) => generate::run(&args),
        Command::Tools(args) => tools::run(&args),
        Command::Doctor => doctor::run(),
        Command::Compile => compile::run(),
    }
}
