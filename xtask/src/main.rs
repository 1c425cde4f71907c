//! `cargo xtask`: every step of Roster's development and delivery.
//!
//! The thin program: it parses the first words of the command line, runs its own commands, and builds and executes the
//! program of any other command. A subject's commands are in its crate's `src/cli.rs`.

mod check;
mod cli;
mod commands;
mod dispatch;
mod generate;

use std::ffi::OsString;
use std::process::ExitCode;

use xtask::{command_list, failure, run_tool};

fn main() -> ExitCode {
    if std::env::args().nth(1).as_deref() == Some(command_list::ARGUMENT) {
        printing::println!("{}", command_list::text(&command_list::of(&cli::own())));
        return failure::exit(Ok(()));
    }
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    // `cargo xtask` can run from any directory below the root; all paths here are relative to the root.
    let outcome = run_tool::enter_repository_root().and_then(|()| {
        match dispatch::other_program(&arguments) {
            Some((program, arguments)) => dispatch::become_program(program, &arguments),
            None => commands::run(cli::parse()),
        }
    });
    failure::exit(outcome)
}
