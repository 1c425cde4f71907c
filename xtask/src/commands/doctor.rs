//! `cargo xtask doctor`: what this machine has of what the commands need, and how to get the rest.
//!
//! It changes nothing. It fails when there is no way to a PostgreSQL: neither binaries nor Docker.

use std::process::Command;

use anstyle::{AnsiColor, Style};
use anyhow::Result;
use dev_postgres::DevPostgres;

use crate::postgres;
use crate::tools::{self, TOOLS};

const GREEN: Style = AnsiColor::Green.on_default();
const YELLOW: Style = AnsiColor::Yellow.on_default();

pub(crate) fn run() -> Result<()> {
    anstream::println!("for cargo xtask dev, test and check:");
    show(
        "rustc",
        version_of("rustc", &["--version"]),
        "https://rustup.rs",
    );
    let postgres = DevPostgres::installed();
    match &postgres {
        Ok(found) => show("postgresql", Some(found.to_string()), ""),
        Err(error) => show("postgresql", None, &error.next),
    }
    let docker = version_of("docker", &["info", "--format", "engine {{.ServerVersion}}"]);
    show(
        "docker",
        docker.clone(),
        "only needed for tests in a container: https://docs.docker.com/engine/install",
    );
    anstream::println!("for single commands (versions: cargo xtask tools list):");
    for tool in TOOLS {
        show(
            tool.name,
            tools::is_installed(tool.name).then(|| tool.purpose.to_owned()),
            &format!("{}; for {}", tool.install, tool.purpose),
        );
    }
    match postgres {
        Err(error) if docker.is_none() => Err(postgres::failure(error).into()),
        _ => Ok(()),
    }
}

fn show(name: &str, found: Option<String>, how_to_get: &str) {
    match found {
        Some(words) => anstream::println!("  {GREEN}ok{GREEN:#}       {name:<22} {words}"),
        None => anstream::println!("  {YELLOW}missing{YELLOW:#}  {name:<22} get it: {how_to_get}"),
    }
}

/// The first line that a program answers with; none when it is not there or fails.
fn version_of(program: &str, args: &[&str]) -> Option<String> {
    let output = Command::new(program)
        .args(args)
        .output()
        .ok()
        .filter(|output| output.status.success())?;
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .next()
        .map(str::to_owned)
}
