//! Runs the load generator on a server and reads its report.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context, Result};
use bench_load::report::Report;

use super::results::Measurement;
use xtask::failure::{Failure, Kind};
use xtask::interrupt;
use xtask::run_tool::tool;

/// One kind of load.
#[derive(Clone, Copy, Debug)]
pub(super) struct Workload<'a> {
    /// The kind of request: `get`, `post`, `put`, `list`, `constant`.
    pub(super) operation: &'a str,
    pub(super) connections: usize,
    /// Requests per second of an open loop.
    pub(super) rate: Option<f64>,
    pub(super) seconds: f64,
    /// A number of requests instead of a duration.
    pub(super) requests: Option<u64>,
}

/// The target of the load.
#[derive(Clone, Debug)]
pub(super) struct Target<'a> {
    pub(super) address: SocketAddr,
    pub(super) users: u64,
    pub(super) token_file: Option<&'a Path>,
    pub(super) server: u32,
    pub(super) postgres: Option<u32>,
}

/// The number of loads so far: each has a thousand runs.
static NUMBERED: AtomicU64 = AtomicU64::new(1);

/// The load generator, and how often it was run.
pub(super) struct Load {
    pub(super) program: PathBuf,
    runs: u64,
}

impl Load {
    pub(super) fn new(program: PathBuf) -> Self {
        Self { program, runs: 0 }
    }

    /// One of several that run at the same time.
    pub(super) fn numbered(program: PathBuf, number: usize) -> Self {
        Self {
            program,
            runs: NUMBERED.fetch_add(1, Ordering::Relaxed) * 1000 + number as u64 + 1,
        }
    }

    /// Runs one load; a wrong response is a failure, because a benchmark of wrong responses is meaningless.
    pub(super) fn run(
        &mut self,
        name: &str,
        target: &Target,
        workload: Workload,
    ) -> Result<Measurement> {
        Ok(Measurement::of(&self.report(name, target, workload)?))
    }

    /// The same, with all that the load generator reported.
    pub(super) fn report(
        &mut self,
        name: &str,
        target: &Target,
        workload: Workload,
    ) -> Result<Report> {
        interrupt::check()?;
        self.runs += 1;
        let number = |value: &dyn ToString| value.to_string();
        let mut command = tool(self.program.display().to_string()).quiet();
        for (flag, value) in [
            ("--address", number(&target.address)),
            ("--operation", workload.operation.to_owned()),
            ("--connections", number(&workload.connections)),
            ("--seconds", number(&workload.seconds)),
            ("--users", number(&target.users)),
            // Addresses and choices differ from run to run, also from those of an interrupted one.
            ("--tag", format!("{}-{}", std::process::id(), self.runs)),
            ("--seed", number(&self.runs)),
            ("--watch", format!("server={}", target.server)),
            ("--memory-of", "server".to_owned()),
        ] {
            command = command.arg(flag).arg(value);
        }
        for (flag, value) in [
            ("--rate", workload.rate.map(|rate| number(&rate))),
            (
                "--requests",
                workload.requests.map(|requests| number(&requests)),
            ),
            (
                "--watch",
                target.postgres.map(|process| format!("postgres={process}")),
            ),
            (
                "--token-file",
                target.token_file.map(|path| path.display().to_string()),
            ),
        ] {
            if let Some(value) = value {
                command = command.arg(flag).arg(value);
            }
        }
        let line = command.output().map_err(|error| {
            interrupt::check()
                .err()
                .unwrap_or(wrong(name, &workload, error))
        })?;
        serde_json::from_str(&line).context("the load generator did not print valid JSON")
    }
}

fn wrong(name: &str, workload: &Workload, error: anyhow::Error) -> anyhow::Error {
    let why = error
        .downcast::<Failure>()
        .map_or_else(|error| error.to_string(), |failure| failure.why);
    Failure::new(
        Kind::Check,
        format!(
            "{name} gave wrong responses to the load `{}`",
            workload.operation
        ),
        why,
        format!("its log is {}/logs/{name}.log", super::programs::FOLDER),
    )
    .into()
}
