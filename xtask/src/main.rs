//! `cargo xtask`: every step of Roster's development and delivery.
//!
//! Here the command line is read, one command is run, and its failure becomes an exit code. What the commands are
//! stands in `cli.rs`; what each does in `commands/<command>.rs`.

#![allow(
    clippy::print_stdout,
    reason = "results belong on stdout; all the rest goes to stderr"
)]

mod check;
mod chromium;
mod cli;
mod cluster;
mod commands;
mod concourse;
mod e2e;
mod failure;
mod flow;
mod git;
mod http_client;
mod image;
mod infra;
mod interrupt;
mod local_roster;
mod network_link;
mod notify;
mod postgres;
mod postgres_pair;
mod prometheus_servers;
mod rehearsal;
mod rule_files;
mod run_tool;
mod secrets;
mod slack_stand_in;
mod slo;
mod sonar;
mod steps;
mod tools;
mod user_copy;
mod watched_roster;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    // `cargo xtask` may be called from any folder below the root; every path in here is relative to the root.
    let outcome =
        run_tool::enter_repository_root().and_then(|()| commands::run(cli::Cli::parse().command));
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failure::report(&error),
    }
}
