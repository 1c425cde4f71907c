//! Finds the program for the first words of the command line, builds it, and replaces this process with it, so that
//! signals, exit codes and stdout are its own.

use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use xtask::build::{Build, file_of};
use xtask::failure::{Failure, Kind};
use xtask::generated::Mode;
use xtask::program::{EXECUTABLE, Program};

/// The other program to run, with its arguments; `None` for our own commands, or without a command.
pub(crate) fn other_program(arguments: &[OsString]) -> Option<(Program, Vec<OsString>)> {
    // `help a b` is `a b --help`.
    let arguments: Vec<OsString> = match arguments.split_first() {
        Some((first, rest)) if first == "help" && !rest.is_empty() => {
            rest.iter().cloned().chain(["--help".into()]).collect()
        }
        _ => arguments.to_vec(),
    };
    let words: Vec<_> = arguments
        .iter()
        .map(|word| word.to_string_lossy())
        .collect();
    let program = Program::of(&words).filter(|program| *program != Program::Xtask)?;
    Some((program, arguments))
}

/// Builds the program and replaces this process with it; returns only on failure.
pub(crate) fn become_program(program: Program, arguments: &[OsString]) -> Result<()> {
    let mut command = command(program)?;
    let error = command.args(arguments).exec();
    Err(error).with_context(|| format!("cannot start {}", program.package()))
}

/// Runs one area of `cargo xtask check` in another program.
pub(crate) fn check(program: Program, area: &str) -> Result<()> {
    let mut command = command(program)?;
    command.args(["check", area]);
    reported(program, command)
}

/// Runs a hidden command, which prints its failure itself; its first line becomes our failure.
fn reported(program: Program, mut command: Command) -> Result<()> {
    let words = words_file();
    command.env(xtask::failure::WORDS_FILE, &words);
    let status = command
        .status()
        .with_context(|| format!("cannot start {}", program.package()))?;
    let what = std::fs::read_to_string(&words).unwrap_or_default();
    let _ = std::fs::remove_file(&words);
    if status.success() {
        return Ok(());
    }
    let kind = status.code().map_or(Kind::Interrupted, Kind::of_exit_code);
    Err(Failure::reported(kind, what).into())
}

/// Writes or compares the generated files of one area by another program.
pub(crate) fn generate(program: Program, area: &str, mode: Mode) -> Result<()> {
    let mut command = command(program)?;
    command.args(["generate", area]);
    if mode == Mode::Compare {
        command.arg("--check");
    }
    reported(program, command)
}

/// The output of another program's hidden command.
pub(crate) fn output(program: Program, hidden: &str) -> Result<String> {
    let output = command(program)?
        .arg(hidden)
        .stderr(std::process::Stdio::inherit())
        .output()
        .with_context(|| format!("cannot start {}", program.package()))?;
    anyhow::ensure!(output.status.success(), "{} failed", program.package());
    String::from_utf8(output.stdout).context("not UTF-8")
}

fn words_file() -> PathBuf {
    std::env::temp_dir().join(format!("xtask-check-{}", std::process::id()))
}

/// Builds the program. `dev` is built together with the service in one cargo call.
fn command(program: Program) -> Result<Command> {
    let package = program.package();
    let mut names = vec![package];
    if program == Program::Dev {
        names.push("roster");
    }
    let built = Build::binaries(&names).run()?;
    let mut command = Command::new(file_of(&built, package)?);
    if program == Program::Dev {
        command.env("ROSTER_DEV_PROGRAM", file_of(&built, "roster")?);
    }
    let own = std::env::current_exe().context("cannot determine the path of this program")?;
    command.env(EXECUTABLE, Path::new(&own));
    Ok(command)
}

#[cfg(test)]
mod tests {
    use super::other_program;
    use std::ffi::OsString;
    use xtask::program::Program;

    fn chosen(line: &str) -> Option<(Program, String)> {
        let words: Vec<OsString> = line.split_whitespace().map(Into::into).collect();
        let (program, rest) = other_program(&words)?;
        let rest: Vec<_> = rest.iter().map(|word| word.to_string_lossy()).collect();
        Some((program, rest.join(" ")))
    }

    #[test]
    fn a_command_goes_with_all_its_arguments_to_the_program_that_has_it() {
        let line = "deploy --env dev --dry-run";
        assert_eq!(chosen(line), Some((Program::Delivery, line.to_owned())));
        let line = "e2e standby";
        assert_eq!(chosen(line), Some((Program::Service, line.to_owned())));
        let line = "e2e --quick";
        assert_eq!(chosen(line), Some((Program::Delivery, line.to_owned())));
    }

    #[test]
    fn help_is_asked_of_the_program_that_has_the_command() {
        let asked = chosen("help infra plan");
        assert_eq!(
            asked,
            Some((Program::Terraform, "infra plan --help".to_owned()))
        );
    }

    #[test]
    fn our_own_commands_and_what_is_none_stay_here() {
        for line in ["", "check layers", "tools list", "--help", "help", "deplyo"] {
            assert_eq!(chosen(line), None, "{line}");
        }
    }
}
