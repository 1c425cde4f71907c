//! Builds programs of this workspace with cargo, and gets their paths from cargo.
//!
//! Features are unified over the workspace, so that all commands share one build of the dependencies.

use std::io::{BufRead, BufReader, IsTerminal};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::failure::{Failure, Kind};
use crate::run_tool::{Run, tool};

#[derive(Clone, Debug, Default)]
pub struct Build {
    arguments: Vec<String>,
}

/// A program that is built and up to date.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Built {
    pub name: String,
    pub file: PathBuf,
}

impl Build {
    /// The binaries of these names.
    pub fn binaries(names: &[&str]) -> Self {
        let arguments = names.iter().flat_map(|name| ["--bin", name]);
        Self {
            arguments: arguments.map(str::to_owned).collect(),
        }
    }

    /// Adds an argument of `cargo build`, such as `--release`.
    #[must_use]
    pub fn arg(mut self, argument: impl Into<String>) -> Self {
        self.arguments.push(argument.into());
        self
    }

    /// Builds them; prints to stderr what is compiled, and nothing if everything is up to date.
    pub fn run(&self) -> Result<Vec<Built>> {
        let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        command
            .args(["build", "--workspace", "--locked"])
            .arg("--message-format=json-render-diagnostics")
            .args(&self.arguments)
            .args(containers())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        if std::io::stderr().is_terminal() {
            command.arg("--color=always");
        }
        let mut child = command.spawn().context("cannot start cargo")?;
        let words = child.stderr.take().context("cargo has no stderr")?;
        let progress = std::thread::spawn(move || show(words));
        let messages = child.stdout.take().context("cargo has no stdout")?;
        let built = built(BufReader::new(messages))?;
        let status = child.wait().context("cannot wait for cargo")?;
        let _ = progress.join();
        if status.success() {
            return Ok(built);
        }
        let shown = format!(
            "cargo build --workspace --locked {}",
            self.arguments.join(" ")
        );
        Err(Failure::new(
            Kind::Check,
            "the build failed",
            format!("it exited with {status}; its output is above"),
            format!("fix the reported problem, then run it again: {shown}"),
        )
        .into())
    }

    pub fn one(name: &str) -> Result<PathBuf> {
        file_of(&Self::binaries(&[name]).run()?, name)
    }
}

/// From now on programs of this target folder are built with what starts containers.
pub fn use_containers() -> Result<()> {
    let marker = marker().context("cannot find this program's own folder")?;
    std::fs::write(&marker, "").with_context(|| format!("cannot write {}", marker.display()))
}

fn containers() -> &'static [&'static str] {
    let wanted = marker().is_some_and(|marker| marker.is_file());
    if wanted {
        &["--features", "dev-postgres/containers"]
    } else {
        &[]
    }
}

/// Beside our own file: it goes with the target folder.
fn marker() -> Option<PathBuf> {
    Some(
        std::env::current_exe()
            .ok()?
            .with_file_name(".with-containers"),
    )
}

/// Runs a `cargo build`, and returns the binaries that it reports: their folder depends on variables, `.cargo/config.toml`
/// files and the target, so it must not be composed.
pub fn artifacts(cargo_build: Run) -> Result<Vec<Built>> {
    cargo_build
        .arg("--message-format=json-render-diagnostics")
        .read(|messages| built(BufReader::new(messages)))
}

/// Cargo's target folder.
pub fn target_folder() -> Result<PathBuf> {
    #[derive(Deserialize)]
    struct Metadata {
        target_directory: PathBuf,
    }
    let text = tool("cargo")
        .args(["metadata", "--format-version=1", "--no-deps", "--locked"])
        .quiet()
        .output()?;
    let metadata: Metadata =
        serde_json::from_str(&text).context("cargo metadata did not print valid JSON")?;
    Ok(metadata.target_directory)
}

/// The path of the binary with this name.
pub fn file_of(built: &[Built], name: &str) -> Result<PathBuf> {
    let found = built.iter().find(|built| built.name == name);
    found
        .map(|built| built.file.clone())
        .with_context(|| format!("cargo did not report the path of {name}"))
}

/// Forwards cargo's progress, without its final line.
fn show(words: impl std::io::Read) {
    for line in BufReader::new(words).lines().map_while(Result::ok) {
        let plain = anstream::adapter::strip_str(&line).to_string();
        if !plain.trim_start().starts_with("Finished ") {
            printing::eprintln!("{line}");
        }
    }
}

#[derive(Deserialize)]
struct Message {
    reason: String,
    target: Option<Target>,
    executable: Option<PathBuf>,
}

#[derive(Deserialize)]
struct Target {
    name: String,
}

fn built(messages: impl BufRead) -> Result<Vec<Built>> {
    let mut built = Vec::new();
    for line in messages.lines() {
        let line = line.context("cannot read from cargo")?;
        let Ok(message) = serde_json::from_str::<Message>(&line) else {
            continue;
        };
        if let ("compiler-artifact", Some(target), Some(file)) =
            (message.reason.as_str(), message.target, message.executable)
        {
            built.push(Built {
                name: target.name,
                file,
            });
        }
    }
    Ok(built)
}

#[cfg(test)]
mod tests {
    use super::{Built, built};

    #[test]
    fn the_file_of_a_binary_is_read_from_cargos_messages() {
        let messages = concat!(
            r#"{"reason":"compiler-artifact","target":{"name":"clap"},"executable":null,"fresh":true}"#,
            "\n",
            r#"{"reason":"build-script-executed","package_id":"x"}"#,
            "\n",
            r#"{"reason":"compiler-artifact","target":{"name":"roster"},"executable":"/a b/debug/roster"}"#,
            "\n",
            r#"{"reason":"build-finished","success":true}"#,
        );
        let expected = Built {
            name: "roster".to_owned(),
            file: "/a b/debug/roster".into(),
        };
        assert_eq!(built(messages.as_bytes()).expect("is read"), [expected]);
    }
}
