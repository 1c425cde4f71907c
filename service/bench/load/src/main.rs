//! The benchmarks' load generator: one thread, few instructions, every response checked. A closed loop keeps each
//! connection busy. An open loop sends at a rate that does not depend on responses and measures latency from the time a
//! request was due, so that a stall of the service is not hidden. It knows the API and nothing about its caller.

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
            // If standard error is closed, there is nowhere to report to.
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
            "bench-load: {} wrong responses; the first: {first}",
            report.wrong_answers
        )?;
    }
    if report.unanswered > 0 {
        writeln!(
            std::io::stderr(),
            "bench-load: {} requests had no response when the time was over",
            report.unanswered
        )?;
    }
    Ok(report.wrong_answers == 0)
}
