//! The load that the benchmarks put on a service: one thread, few instructions, every answer checked.
//! A closed loop keeps each connection busy; an open loop sends at a rate that does not wait for answers, and counts
//! a latency from the moment at which the request was due, so that a stall of the service is not hidden.
//! It knows the users' contract and nothing of who starts it.

mod arguments;
mod arrivals;
mod connection;
mod operation;
mod response;
mod run;

use anyhow::Context;
use clap::Parser;
use std::io::Write;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments = arguments::Arguments::parse();
    match measure(&arguments) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            // Nothing is left to report to when standard error itself is gone.
            let _ = writeln!(std::io::stderr(), "bench-load: {error:#}");
            ExitCode::from(2)
        }
    }
}

fn measure(arguments: &arguments::Arguments) -> anyhow::Result<bool> {
    let report = run::Run::new(arguments)?.finish()?;
    let mut out = std::io::stdout().lock();
    serde_json::to_writer(&mut out, &report).context("the report cannot be written")?;
    writeln!(out).context("the report cannot be written")?;
    if let Some(first) = &report.first_wrong_answer {
        writeln!(
            std::io::stderr(),
            "bench-load: {} wrong answers; the first: {first}",
            report.wrong_answers
        )?;
    }
    if report.unanswered > 0 {
        writeln!(
            std::io::stderr(),
            "bench-load: {} requests had no answer when the time was over",
            report.unanswered
        )?;
    }
    Ok(report.wrong_answers == 0)
}
