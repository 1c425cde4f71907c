//! The programs of `cargo xtask`: which one has which command, how each starts, and how one calls another.
//!
//! The thin program must not depend on the others; it knows their packages by name and runs them.

use std::process::ExitCode;

use anyhow::Result;
use clap::{CommandFactory, Parser};

use crate::command_list::Listed;
use crate::run_tool::{Run, enter_repository_root, tool};
use crate::{command_list, failure};

/// The variable with the thin program's path, so that other programs can call `cargo xtask` without cargo.
pub const EXECUTABLE: &str = "XTASK_EXECUTABLE";

/// A program of this workspace; its binary has the package's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Program {
    /// The thin one.
    Xtask,
    /// `service/dev`
    Dev,
    /// `service/bench`
    Bench,
    /// `xtask/crates/concourse`
    Concourse,
    /// `xtask/crates/delivery`
    Delivery,
    /// `xtask/crates/prometheus`
    Prometheus,
    /// `xtask/crates/service`
    Service,
    /// `xtask/crates/slack-stand-in`
    SlackStandIn,
    /// `xtask/crates/sonarqube`
    Sonarqube,
    /// `xtask/crates/sources`
    Sources,
    /// `xtask/crates/terraform`
    Terraform,
}

impl Program {
    pub const ALL: [Self; 11] = [
        Self::Xtask,
        Self::Dev,
        Self::Bench,
        Self::Concourse,
        Self::Delivery,
        Self::Prometheus,
        Self::Service,
        Self::SlackStandIn,
        Self::Sonarqube,
        Self::Sources,
        Self::Terraform,
    ];

    /// The package, and the binary in it.
    pub fn package(self) -> &'static str {
        match self {
            Self::Xtask => "xtask",
            Self::Dev => "roster-dev",
            Self::Bench => "roster-bench",
            Self::Concourse => "xtask-concourse",
            Self::Delivery => "xtask-delivery",
            Self::Prometheus => "xtask-prometheus",
            Self::Service => "xtask-service",
            Self::SlackStandIn => "slack-stand-in",
            Self::Sonarqube => "xtask-sonarqube",
            Self::Sources => "xtask-sources",
            Self::Terraform => "xtask-terraform",
        }
    }

    /// The program with this command; `None` for unknown commands.
    pub fn of<S: AsRef<str>>(command: &[S]) -> Option<Self> {
        let word = |at: usize| command.get(at).map(AsRef::as_ref);
        Some(match word(0)? {
            "check" | "generate" | "tools" | "doctor" | "compile" => Self::Xtask,
            "dev" => Self::Dev,
            "bench" => Self::Bench,
            "ci" | "notify" | "pipelines" => Self::Concourse,
            "rules" | "dashboards" => Self::Prometheus,
            "contract" | "fuzz" | "test" => Self::Service,
            "slack-stand-in" => Self::SlackStandIn,
            "coverage" | "sonar" => Self::Sonarqube,
            "infra" => Self::Terraform,
            "image" | "chart" | "setup" | "deploy" | "call" | "rollback" | "status" | "logs"
            | "uninstall" => Self::Delivery,
            "e2e" => match word(1) {
                Some("alerts") => Self::Prometheus,
                Some(
                    "standby" | "pgbouncer" | "proxies" | "docs" | "cors" | "clients" | "kills"
                    | "upgrade-database" | "scim" | "scim-oracles",
                ) => Self::Service,
                _ => Self::Delivery,
            },
            _ => return None,
        })
    }

    /// The differences between its command line and its part of the list, one line each; empty if they agree.
    pub fn differences<C: CommandFactory>(self) -> Vec<String> {
        let own = |listed: &Listed| Self::of(&listed.words()) == Some(self);
        let present: Vec<_> = command_list::of(&C::command())
            .into_iter()
            .filter(own)
            .collect();
        let kept: Vec<_> = command_list::kept()
            .iter()
            .filter(|listed| own(listed))
            .collect();
        let gone = kept
            .iter()
            .copied()
            .filter(|listed| !present.contains(listed));
        let new = present.iter().filter(|listed| !kept.contains(listed));
        let line = |sign, listed: &Listed| {
            format!(
                "{sign} {}",
                command_list::text(std::slice::from_ref(listed))
            )
        };
        gone.map(|listed| line('-', listed))
            .chain(new.map(|listed| line('+', listed)))
            .collect()
    }
}

/// The `main` of each program: changes to the repository's root, parses the command line, runs one command, and maps
/// its failure to an exit code.
pub fn main<C: Parser + CommandFactory>(run: impl FnOnce(C) -> Result<()>) -> ExitCode {
    if std::env::args().nth(1).as_deref() == Some(command_list::ARGUMENT) {
        printing::println!("{}", command_list::text(&command_list::of(&C::command())));
        return failure::exit(Ok(()));
    }
    // `cargo xtask` can run from any directory below the root; all paths here are relative to the root.
    failure::exit(enter_repository_root().and_then(|()| run(C::parse())))
}

/// Starts building a call of another command: `xtask().args(["image", "build"])`.
pub fn xtask() -> Run {
    match std::env::var(EXECUTABLE) {
        Ok(file) => tool(file),
        Err(_) => tool("cargo").arg("xtask"),
    }
}
