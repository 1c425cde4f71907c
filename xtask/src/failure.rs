//! How a command fails: what failed, why, what to do next, and the exit code.
//!
//! A command returns `anyhow::Result`. An error that a person can act on is a [`Failure`]; any other is printed with
//! its chain of causes and counts as a failed check (exit code 1).

use std::fmt;
use std::process::ExitCode;

use anstyle::{AnsiColor, Style};

/// The variable with a file to which a child program also writes the first line of its failure.
pub const WORDS_FILE: &str = "XTASK_WORDS_FILE";

/// The kinds of failure, each with its own exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A check or test failed.
    Check,
    /// The command line or a setting is wrong.
    Usage,
    /// A tool or another prerequisite is missing on this machine.
    Missing,
    /// A database, cluster, registry or server could not be reached.
    Unreachable,
    /// Possible but refused: a modified working tree, the wrong cluster.
    Refused,
    /// A rollout failed, or was rolled back.
    Rollout,
    /// Rolled back because the migration failed.
    MigrationFailed,
    /// Rolled back because the new pods crash.
    PodsCrash,
    /// Rolled back because the new pods never become ready.
    NeverReady,
    /// Rolled back because the smoke test failed.
    SmokeTestFailed,
    /// Rolled back because the new release serves errors.
    ServesErrors,
    /// Rolled back because the image could not be pulled or started.
    ImageFailed,
    /// Rolled back because the new pods could not be created, scheduled or started.
    PodsNotStarted,
    /// The user pressed Ctrl-C.
    Interrupted,
    /// A tool wrote to a pipe whose reader has gone, as in `cargo xtask logs | head`: nothing is reported.
    ClosedPipe,
}

impl Kind {
    pub const ALL: [Self; 15] = [
        Self::Check,
        Self::Usage,
        Self::Missing,
        Self::Unreachable,
        Self::Refused,
        Self::Rollout,
        Self::MigrationFailed,
        Self::PodsCrash,
        Self::NeverReady,
        Self::SmokeTestFailed,
        Self::ServesErrors,
        Self::ImageFailed,
        Self::PodsNotStarted,
        Self::Interrupted,
        Self::ClosedPipe,
    ];

    /// The kind of an exit code of our programs; any other code is a failed check.
    pub fn of_exit_code(code: i32) -> Self {
        Self::ALL
            .into_iter()
            .find(|kind| i32::from(kind.exit_code()) == code)
            .unwrap_or(Self::Check)
    }

    /// The exit code of this kind, as documented in `cargo xtask --help`.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Check => 1,
            Self::Usage => 2,
            Self::Missing => 3,
            Self::Unreachable => 4,
            Self::Refused => 5,
            Self::Rollout => 6,
            Self::MigrationFailed => 10,
            Self::PodsCrash => 11,
            Self::NeverReady => 12,
            Self::SmokeTestFailed => 13,
            Self::ServesErrors => 14,
            Self::ImageFailed => 15,
            Self::PodsNotStarted => 16,
            Self::Interrupted => 130,
            Self::ClosedPipe => 141,
        }
    }
}

impl Kind {
    /// What the exit code means, for help and documents.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Check => "a check or test failed",
            Self::Usage => "invalid usage or settings",
            Self::Missing => "a tool or prerequisite is missing",
            Self::Unreachable => "a database, cluster, registry or server could not be reached",
            Self::Refused => "refused by policy, or by what is there already",
            Self::Rollout => "helm could not install the release; its message is shown",
            Self::MigrationFailed => "rolled back: the migration failed",
            Self::PodsCrash => "rolled back: the new pods crash",
            Self::NeverReady => "rolled back: the new pods run but never become ready",
            Self::SmokeTestFailed => "rolled back: the smoke test failed",
            Self::ServesErrors => "rolled back: the new release serves errors",
            Self::ImageFailed => "rolled back: the image could not be pulled or started",
            Self::PodsNotStarted => {
                "rolled back: the new pods could not be created, scheduled or started"
            }
            Self::Interrupted => "interrupted by Ctrl-C",
            Self::ClosedPipe => "a tool wrote to a pipe that its reader had closed",
        }
    }
}

/// The exit codes for the end of a command's `--help`.
pub fn exit_codes_help(kinds: &[Kind]) -> String {
    let lines: Vec<_> = kinds
        .iter()
        .map(|kind| format!("  {:>3}  {}", kind.exit_code(), kind.meaning()))
        .collect();
    format!("Exit codes:\n    0  success\n{}", lines.join("\n"))
}

/// A failure with what happened, why, and what to do next.
#[derive(Debug)]
pub struct Failure {
    /// Which exit code it gives.
    pub kind: Kind,
    /// One sentence: what failed.
    pub what: String,
    /// The cause, if known.
    pub why: String,
    /// What to do about it.
    pub next: String,
    /// Whether another program has already printed it.
    pub is_reported: bool,
}

impl Failure {
    pub fn new(
        kind: Kind,
        what: impl Into<String>,
        why: impl Into<String>,
        next: impl Into<String>,
    ) -> Self {
        Self {
            kind,
            what: what.into(),
            why: why.into(),
            next: next.into(),
            is_reported: false,
        }
    }

    /// A failure that another of our programs has already printed.
    pub fn reported(kind: Kind, what: impl Into<String>) -> Self {
        Self {
            is_reported: true,
            ..Self::new(kind, what, "", "")
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

impl std::error::Error for Failure {}

/// The end of `main`: prints the failure, or that the output could not be written; returns the exit code.
pub fn exit(outcome: anyhow::Result<()>) -> ExitCode {
    let written = printing::finish().map_err(|why| {
        let next = "run it again where its output can be stored: df -h";
        anyhow::Error::new(Failure::new(
            Kind::Check,
            "the output is incomplete",
            why,
            next,
        ))
    });
    match outcome.and(written) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => report(&error),
    }
}

/// Prints the failure on stderr; returns the exit code of the process.
pub fn report(error: &anyhow::Error) -> ExitCode {
    const RED: Style = AnsiColor::Red.on_default().bold();
    const BOLD: Style = Style::new().bold();
    let failure = error.downcast_ref::<Failure>();
    if failure.is_some_and(|failure| failure.is_reported) {
        return ExitCode::from(exit_code(error));
    }
    if let Some(file) = std::env::var_os(WORDS_FILE) {
        let _ = std::fs::write(file, error.to_string());
    }
    printing::eprintln!("{RED}error{RED:#}: {error}");
    if let Some(failure) = failure {
        if !failure.why.is_empty() {
            printing::eprintln!("  {BOLD}why{BOLD:#}:  {}", indented(&failure.why));
        }
        if !failure.next.is_empty() {
            printing::eprintln!("  {BOLD}next{BOLD:#}: {}", indented(&failure.next));
        }
    } else {
        for cause in error.chain().skip(1) {
            printing::eprintln!("  {BOLD}why{BOLD:#}:  {}", indented(&cause.to_string()));
        }
    }
    ExitCode::from(exit_code(error))
}

/// The exit code for any error: that of its [`Failure`], else 1.
pub fn exit_code(error: &anyhow::Error) -> u8 {
    error
        .downcast_ref::<Failure>()
        .map_or(1, |failure| failure.kind.exit_code())
}

fn indented(text: &str) -> String {
    text.trim_end().replace('\n', "\n        ")
}

#[cfg(test)]
mod tests {
    use super::{Failure, Kind, exit_code};

    #[test]
    fn a_failure_keeps_its_exit_code_under_added_context() {
        let failure = Failure::new(Kind::Missing, "helm is not installed", "", "");
        let error = anyhow::Error::new(failure).context("cannot deploy");
        assert_eq!(exit_code(&error), 3);
    }

    #[test]
    fn each_kind_is_known_by_its_exit_code() {
        for kind in Kind::ALL {
            assert_eq!(Kind::of_exit_code(kind.exit_code().into()), kind);
        }
        assert_eq!(Kind::of_exit_code(101), Kind::Check);
    }

    #[test]
    fn any_other_error_exits_with_1() {
        assert_eq!(exit_code(&anyhow::anyhow!("disk full")), 1);
    }
}
