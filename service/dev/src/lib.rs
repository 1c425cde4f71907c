//! Starts a PostgreSQL and a Roster on this machine, for `cargo xtask dev`, tests, rehearsals and benchmarks.
//!
//! It must not know what they are used for.

mod cli;
mod commands;
mod embedded_postgres;
pub mod local_roster;
pub mod postgres;
mod postgres_failure;
mod progress;
pub mod user_copy;

use std::process::ExitCode;

use cli::Command;

/// A port that was free a moment ago.
pub fn free_port() -> std::io::Result<u16> {
    let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    Ok(listener.local_addr()?.port())
}

/// Parses the command line and runs one command.
pub fn main() -> ExitCode {
    xtask::program::main(|cli: cli::Cli| match cli.command {
        Command::Dev(args) => commands::dev::run(&args),
        Command::FindPostgres => {
            commands::find_postgres::run();
            Ok(())
        }
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_commands_are_those_of_the_list() {
        let program = xtask::program::Program::Dev;
        let differences = program.differences::<crate::cli::Cli>();
        assert!(differences.is_empty(), "{}", differences.join("\n"));
    }
}
