//! The benchmarks' load generator: one thread, few instructions, every response checked. A closed loop keeps each
//! connection busy. An open loop sends at a rate that does not depend on responses and measures latency from the time a
//! request was due, so that a stall of the service is not hidden. It knows the API and nothing about its caller.

mod arguments;
mod arrivals;
mod connection;
mod operation;
mod response;
mod run;

use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments = arguments::Arguments::parse();
    let measured = measure(&arguments);
    let written = printing::finish().map_err(anyhow::Error::msg);
    match measured.and_then(|right| written.map(|()| right)) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            printing::eprintln!("bench-load: {error:#}");
            ExitCode::from(2)
        }
    }
}

fn measure(arguments: &arguments::Arguments) -> anyhow::Result<bool> {
    let report = run::Run::new(arguments)?.finish()?;
    printing::println!("{}", serde_json::to_string(&report)?);
    if let Some(first) = &report.first_wrong_answer {
        printing::eprintln!(
            "bench-load: {} wrong responses; the first: {first}",
            report.wrong_answers
        );
    }
    if report.unanswered > 0 {
        printing::eprintln!(
            "bench-load: {} requests had no response when the time was over",
            report.unanswered
        );
    }
    Ok(report.wrong_answers == 0)
}
