//! `cargo xtask doctor`: which tools are installed, and how to get the others.
//!
//! It changes nothing. It fails if there is neither a PostgreSQL server nor Docker.

use std::process::Command;

use anstyle::{AnsiColor, Style};
use anyhow::Result;
use xtask::failure::{Failure, Kind};
use xtask::program::Program;
use xtask::tools::{self, TOOLS};

const GREEN: Style = AnsiColor::Green.on_default();
const YELLOW: Style = AnsiColor::Yellow.on_default();

pub(crate) fn run() -> Result<()> {
    printing::println!("for cargo xtask dev, test and check:");
    show(
        "rustc",
        version_of("rustc", &["--version"]),
        "https://rustup.rs",
    );
    let postgres = crate::dispatch::output(Program::Dev, "find-postgres")?;
    let found = postgres.trim().strip_prefix("found ").map(str::to_owned);
    let has_postgres = found.is_some();
    let how_to_get = postgres.trim().trim_start_matches("missing ").to_owned();
    show("postgresql", found, &how_to_get);
    let docker = version_of("docker", &["info", "--format", "engine {{.ServerVersion}}"]);
    show(
        "docker",
        docker.clone(),
        "only needed for tests in a container: https://docs.docker.com/engine/install",
    );
    printing::println!("for single commands (versions: cargo xtask tools list):");
    for tool in TOOLS {
        show(
            tool.name,
            tools::is_installed(tool.name).then(|| tool.purpose.to_owned()),
            &format!("{}; for {}", tool.install, tool.purpose),
        );
    }
    if has_postgres || docker.is_some() {
        return Ok(());
    }
    Err(Failure::new(
        Kind::Missing,
        "there is no PostgreSQL for cargo xtask dev and test",
        "neither its server binaries nor Docker are on this machine",
        how_to_get,
    )
    .into())
}

fn show(name: &str, found: Option<String>, how_to_get: &str) {
    match found {
        Some(words) => printing::println!("  {GREEN}ok{GREEN:#}       {name:<22} {words}"),
        None => printing::println!("  {YELLOW}missing{YELLOW:#}  {name:<22} install: {how_to_get}"),
    }
}

/// The first line of a program's output; `None` if it is missing or fails.
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
