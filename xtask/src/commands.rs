//! From a parsed command to the code that runs it: one line for each command.

mod check;
mod slack_stand_in;

use anyhow::Result;

use crate::cli::Command;

/// Runs one command to its end.
pub(crate) fn run(command: Command) -> Result<()> {
    match command {
        Command::Check(args) => check::run(&args),
        Command::SlackStandIn(args) => slack_stand_in::run(args),
    }
}
