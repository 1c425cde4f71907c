//! The commands of the thin program itself, and the list of all others for `cargo xtask --help`.
//!
//! The arguments of the others are defined in their crates; only their names and summaries are known here.

use clap::{Args, FromArgMatches, Parser, Subcommand};
use xtask::command_list;
use xtask::program::Program;

/// Every step of Roster's development and delivery. The Makefile, CI and laptops run the same commands.
#[derive(Parser)]
#[command(
    name = "cargo xtask",
    bin_name = "cargo xtask",
    version,
    max_term_width = 110,
    after_help = xtask::failure::exit_codes_help(&xtask::failure::Kind::ALL)
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    Check(CheckArgs),
    Generate(GenerateArgs),
    Tools(ToolsArgs),
    /// Check which of the tools that the commands need are installed, and how to get the others.
    Doctor,
    /// Compile every crate and test target with the committed lock file
    Compile,
}

/// Parses the command line; exits for help and for unknown commands.
pub(crate) fn parse() -> Command {
    let matches = whole().get_matches();
    Cli::from_arg_matches(&matches)
        .unwrap_or_else(|error| error.exit())
        .command
}

/// Only our own commands.
pub(crate) fn own() -> clap::Command {
    <Cli as clap::CommandFactory>::command()
}

/// The command line as shown in help, with every command.
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
/// Nothing is changed. Every area is checked even if an earlier one failed. A table at the end shows which passed,
/// which failed, and which could not be proven because a tool is missing (exit code 3, with how to install it).
#[derive(Args)]
#[command(after_help = crate::check::areas_help())]
pub(crate) struct CheckArgs {
    /// Areas to check [default: all]
    #[arg(value_name = "AREA", value_parser = clap::builder::PossibleValuesParser::new(crate::check::area_names()))]
    pub(crate) areas: Vec<String>,
}

/// Write the files that are generated from other files, or check that they are up to date.
///
/// Writes only what differs and names each file that it writes. An area whose tool is missing is not generated (exit
/// code 3, with how to install it); the others are.
#[derive(Args)]
#[command(after_help = crate::generate::areas_help())]
pub(crate) struct GenerateArgs {
    /// Areas to generate [default: all]
    #[arg(value_name = "AREA", value_parser = clap::builder::PossibleValuesParser::new(crate::generate::area_names()))]
    pub(crate) areas: Vec<String>,
    /// Write nothing; fail (exit code 1) naming each file that differs
    #[arg(long)]
    pub(crate) check: bool,
}

/// List the tools that the other commands call, or install their pinned versions.
#[derive(Args)]
pub(crate) struct ToolsArgs {
    #[command(subcommand)]
    pub(crate) command: ToolsCommand,
}

#[derive(Subcommand)]
pub(crate) enum ToolsCommand {
    /// List every tool: version, whether it is installed, what it is for
    List,
    /// Install pinned versions of tools: all that are missing, or those named
    ///
    /// Go tools are built from xtask/tools/TOOL/go.mod with its checksums into target/tools, Rust tools with cargo
    /// install --locked. Tools that have the right version are skipped. Tools of the operating system are listed, not
    /// installed; naming a missing one fails (exit code 3).
    Install {
        /// Tools to install [default: all that are missing]
        #[arg(value_name = "TOOL")]
        names: Vec<String>,
        /// Install what these commands call, and nothing else
        #[arg(long = "for", value_name = "COMMANDS", conflicts_with = "names", value_parser = clap::builder::PossibleValuesParser::new(xtask::tools::GROUPS.iter().map(|(name, _)| *name)))]
        group: Option<String>,
    },
}

#[cfg(test)]
mod tests {
    use super::{Cli, whole};
    use xtask::command_list;
    use xtask::program::Program;

    #[test]
    fn the_commands_are_those_of_the_list() {
        let differences = Program::Xtask.differences::<Cli>();
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
