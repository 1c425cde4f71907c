//! Plants one fault, and reverts its changes outside of the clone.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::faults::{Fault, Plant};
use super::refusing_registry::RefusingRegistry;
use xtask::failure::{Failure, Kind};
use xtask::git;
use xtask::run_tool::{repository_root, tool};
use xtask_delivery::cluster::environment::Environment;
use xtask_delivery::e2e::bad_release;
use xtask_delivery::image::commit::Commit;
use xtask_delivery::image::record::Record;
use xtask_delivery::image::reference::Repository;

/// The coverage files of `cargo xtask ci develop`.
const COVERAGE: &str = "target/flows/develop/analyse/artifacts/coverage/lcov.info";
/// What is appended to a crate's sources.
const DOES_NOT_COMPILE: &str = "\ncompile_error!(\"rehearsed: this does not compile\");\n";
/// How long rehearsals wait for an unreachable server, in seconds.
const SHORT_WAIT_S: &str = "5";

/// A planted fault; its changes in this tree are reverted on drop.
pub(super) struct Planted {
    /// The directory that the flow runs in.
    pub(super) sources: PathBuf,
    /// Variables for the flow.
    pub(super) variables: Vec<(&'static str, String)>,
    lost: Option<String>,
    registry: Option<RefusingRegistry>,
}

impl Planted {
    pub(super) fn plant(fault: &Fault, part: &str, folder: &Path) -> Result<Self> {
        let mut planted = Self {
            sources: repository_root(),
            variables: Vec::new(),
            lost: None,
            registry: None,
        };
        match &fault.plant {
            Plant::Source { file, lines } => planted.in_a_clone(folder, file, lines)?,
            Plant::EachCrate => planted.in_a_clone(folder, part, DOES_NOT_COMPILE)?,
            Plant::LostCoverage => {
                needs_a_server_of_this_machine()?;
                planted.lost = Some(lose_coverage()?);
            }
            Plant::ServerAway => {
                needs_coverage()?;
                planted.set("SONAR_HOST_URL", "http://127.0.0.1:9");
                planted.set("SONAR_TOKEN", "rehearsed-token");
                planted.set("SONAR_WAIT_LIMIT_S", SHORT_WAIT_S);
            }
            Plant::WrongToken => {
                needs_coverage()?;
                needs_a_server_of_this_machine()?;
                planted.set("SONAR_TOKEN", "rehearsed-token-that-is-none");
            }
            Plant::RefusingRegistry => {
                needs_an_image()?;
                let registry = RefusingRegistry::start()?;
                planted.set(
                    "ROSTER_IMAGE_REPOSITORY",
                    &format!("{}/roster/roster", registry.address()),
                );
                planted.registry = Some(registry);
            }
            Plant::CrashingImage => planted.crashing_image()?,
        }
        Ok(planted)
    }

    fn set(&mut self, name: &'static str, value: &str) {
        self.variables.push((name, value.to_owned()));
    }

    /// Breaks a clone of the last commit.
    fn in_a_clone(&mut self, folder: &Path, file: &str, lines: &str) -> Result<()> {
        let clone = folder.join("sources");
        let head = git::head()?;
        if !clone.join(".git").exists() {
            tool("git")
                .args(["clone", "--quiet", "--shared", "--no-checkout", "."])
                .arg(&clone)
                .run()?;
        }
        let in_clone = |args: &[&str]| {
            tool("git")
                .arg("-C")
                .arg(&clone)
                .args(args)
                .quiet()
                .output()
        };
        in_clone(&["fetch", "--quiet", "origin"])?;
        in_clone(&["checkout", "--force", "--detach", &head])?;
        in_clone(&["clean", "-fd"])?;
        let path = clone.join(file);
        let mut text = std::fs::read_to_string(&path).unwrap_or_default();
        text.push_str(lines);
        std::fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
        // A separate target directory: Cargo cannot distinguish the packages of a clone from those of this tree, and
        // would use artifacts of the broken sources here.
        let target = folder.join("target").display().to_string();
        self.set("CARGO_TARGET_DIR", &target);
        // As in tasks: xtask shares its dependencies with everything else, and is not compiled twice.
        self.set("CARGO_ALIAS_XTASK", "run --bin xtask --");
        self.sources = clone;
        Ok(())
    }

    fn crashing_image(&mut self) -> Result<()> {
        // Refused early if the cluster does not belong to the development environment.
        Environment::read("dev")?.current_context()?;
        let repository = std::env::var("ROSTER_IMAGE_REPOSITORY").map_err(|_| {
            missing(
                "ROSTER_IMAGE_REPOSITORY is not set",
                "set it to a repository that may contain images of rehearsals",
            )
        })?;
        let repository = format!("{repository}-rehearsal");
        let commit = Commit::read()?;
        let fault = &bad_release::FAULTS[0];
        bad_release::push_as(fault, &Repository::parse(&repository)?, &commit.clean_tag())?;
        self.set("ROSTER_IMAGE_REPOSITORY", &repository);
        Ok(())
    }
}

/// A copy of this program with what it was built from, as the toolchain image has it.
pub(super) fn notifier(folder: &Path) -> Result<PathBuf> {
    let notifier = folder.join("notifier");
    let _ = std::fs::remove_file(&notifier);
    std::fs::copy(std::env::current_exe()?, &notifier)?;
    let sources = tool("concourse/tasks/tell-slack/notifier-sources")
        .quiet()
        .output()?;
    std::fs::write(folder.join("notifier.sources"), sources)?;
    Ok(notifier)
}

impl Drop for Planted {
    fn drop(&mut self) {
        let Some(coverage) = &self.lost else { return };
        if let Err(error) = std::fs::write(COVERAGE, coverage) {
            printing::eprintln!("{COVERAGE} could not be restored: {error}");
        }
    }
}

/// Removes every hit from the coverage; returns the original.
fn lose_coverage() -> Result<String> {
    needs_coverage()?;
    let whole = std::fs::read_to_string(COVERAGE)?;
    std::fs::write(COVERAGE, without_hits(&whole))?;
    Ok(whole)
}

/// The same files and lines without hits.
fn without_hits(lcov: &str) -> String {
    let lines = lcov.lines().map(|line| {
        if let Some((at, _)) = line
            .strip_prefix("DA:")
            .and_then(|rest| rest.split_once(','))
        {
            format!("DA:{at},0\n")
        } else if line.starts_with("LH:") {
            "LH:0\n".to_owned()
        } else {
            format!("{line}\n")
        }
    });
    lines.collect()
}

fn needs_coverage() -> Result<()> {
    if Path::new(COVERAGE).is_file() {
        return Ok(());
    }
    Err(missing(
        "no flow has measured coverage here",
        "cargo xtask ci develop",
    ))
}

/// A falsified analysis must not become part of a real project's history.
fn needs_a_server_of_this_machine() -> Result<()> {
    let url = std::env::var("SONAR_HOST_URL").unwrap_or_default();
    let host = url.split_once("://").map_or("", |(_, rest)| rest);
    let host = host.split([':', '/']).next().unwrap_or_default();
    match host {
        "127.0.0.1" | "localhost" => Ok(()),
        "" => Err(missing(
            "SONAR_HOST_URL is not set",
            "start a SonarQube on this machine, and set SONAR_HOST_URL and SONAR_TOKEN",
        )),
        _ => Err(Failure::new(
            Kind::Refused,
            format!("{host} is not this machine"),
            "the rehearsal would send a falsified analysis to it",
            "set SONAR_HOST_URL to a server on 127.0.0.1",
        )
        .into()),
    }
}

fn needs_an_image() -> Result<()> {
    let commit = Commit::read()?;
    let built =
        Record::read()?.filter(|record| record.revision == commit.revision && !record.dirty);
    built.map(drop).ok_or_else(|| {
        missing(
            "there is no image of this commit",
            "cargo xtask ci master, or: cargo xtask image build",
        )
    })
}

fn missing(what: &str, next: &str) -> anyhow::Error {
    Failure::new(Kind::Missing, what, "the rehearsal starts with it", next).into()
}

#[cfg(test)]
mod tests {
    use super::without_hits;

    #[test]
    fn coverage_without_hits_keeps_every_line() {
        let lcov = "SF:/a.rs\nDA:1,7\nDA:2,0\nLF:2\nLH:1\nend_of_record\n";
        assert_eq!(
            without_hits(lcov),
            "SF:/a.rs\nDA:1,0\nDA:2,0\nLF:2\nLH:0\nend_of_record\n"
        );
    }
}
