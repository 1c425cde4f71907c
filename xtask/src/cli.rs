//! The commands of the thin program itself, and the list of all others for `cargo xtask --help`.
//!
//! What the others take stands on the page of their crate; here only their names and a line of each are known.

use clap::{Args, FromArgMatches, Parser, Subcommand};
use xtask::command_list;
use xtask::program::Program;

/// Every step of Roster's development and delivery. Makefile, CI and a laptop run the same commands.
///
/// Exit codes: 0 all is well; 1 a check or test failed; 2 wrong usage or settings; 3 a tool or prerequisite is
/// missing; 4 something could not be reached (database, cluster, registry, server); 5 refused by policy; 6 a rollout
/// failed or was rolled back; 130 interrupted.
#[derive(Parser)]
#[command(
    name = "cargo xtask",
    bin_name = "cargo xtask",
    version,
    max_term_width = 110
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    Check(CheckArgs),
    Tools(ToolsArgs),
    /// Say what this machine has of what the commands need, and how to get the rest.
    Doctor,
    /// Compile every crate and test target, from the committed lock file alone
    Compile,
}

/// Reads the command line; ends the process for help, and for what is no command.
pub(crate) fn parse() -> Command {
    let matches = whole().get_matches();
    Cli::from_arg_matches(&matches)
        .unwrap_or_else(|error| error.exit())
        .command
}

/// Our own commands alone.
pub(crate) fn own() -> clap::Command {
    <Cli as clap::CommandFactory>::command()
}

/// The command line as help shows it: every command in its place.
pub(crate) fn whole() -> clap::Command {
    let mut command = own();
    let listed = command_list::kept().iter();
    let top = listed.filter(|listed| !listed.command.contains(' '));
    for (place, listed) in top.enumerate() {
        let name = listed.command.as_str();
        command = if Program::of(&listed.words()) == Some(Program::Xtask) {
            command.mut_subcommand(name, |own| own.display_order(place))
        } else {
            let other = clap::Command::new(name).about(listed.about.as_str());
            command.subcommand(other.display_order(place))
        };
    }
    command
}

/// Check the repository: all areas, or those named.
///
/// Nothing is changed. Every area is tried even when an earlier one failed; a table at the end says what passed, what
/// failed and what could not be proven because a tool is missing (exit code 3, with how to get it).
#[derive(Args)]
#[command(after_help = crate::check::areas_help())]
pub(crate) struct CheckArgs {
    /// Areas to check; all of them when none is named
    #[arg(value_name = "AREA", value_parser = clap::builder::PossibleValuesParser::new(crate::check::area_names()))]
    pub(crate) areas: Vec<String>,
}

/// List the tools that the other commands call, or install them in their exact versions.
#[derive(Args)]
pub(crate) struct ToolsArgs {
    #[command(subcommand)]
    pub(crate) command: ToolsCommand,
}

#[derive(Subcommand)]
pub(crate) enum ToolsCommand {
    /// List every tool: version, whether it is here, what it is for
    List,
    /// Install tools in their exact versions: all that are missing, or those named
    ///
    /// Go tools are built from xtask/tools/TOOL/go.mod with its sums, into target/tools; Rust tools by cargo install
    /// --locked. What is there in the right version is left alone. Tools of the operating system are not installed:
    /// they are listed, and naming one that is missing is a failure (exit code 3).
    Install {
        /// Tools to install; all that are missing when none is named
        #[arg(value_name = "TOOL")]
        names: Vec<String>,
    },
}

#[cfg(test)]
mod tests {
    use super::{Cli, whole};
    use xtask::command_list;
    use xtask::program::Program;

    #[test]
    fn the_commands_are_those_of_the_list() {
        let differences = command_list::differences::<Cli>(Program::Xtask);
        assert!(differences.is_empty(), "{}", differences.join("\n"));
    }

    #[test]
    fn every_command_of_the_list_is_in_the_help_and_has_a_program() {
        let help = whole().render_long_help().to_string();
        for listed in command_list::kept() {
            assert!(Program::of(&listed.words()).is_some(), "{}", listed.command);
            if !listed.command.contains(' ') {
                assert!(
                    help.contains(&format!("  {} ", listed.command)),
                    "{}",
                    listed.command
                );
            }
        }
        whole().debug_assert();
    }
}
