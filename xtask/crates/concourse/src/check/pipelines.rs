//! Concourse: every pipeline, task and variables file below `concourse/`, and their consistency.
//!
//! Finds what the server would reject, what would fail only in the middle of a build, and violations of Roster's own
//! rules (`policy.rs`). Nothing is run, and nothing outside of the repository is read.

mod artifacts;
mod files;
#[cfg(test)]
mod mutations;
mod policy;
mod references;
mod scripts;
mod secrets;
mod shape;
mod toolchain;
mod variables;

use anyhow::Result;

use xtask::failure::{Failure, Kind};
use xtask::run_tool::tool;
use xtask::tools;

use files::Files;

/// A fault and its location.
#[derive(Debug)]
pub(super) struct Fault(String);

/// The faults found so far.
#[derive(Default)]
struct Faults(Vec<Fault>);

impl Faults {
    fn add(&mut self, place: impl std::fmt::Display, text: impl std::fmt::Display) {
        let fault = format!("{place}: {text}");
        // A step that several aliases repeat is reported once.
        if !self.0.iter().any(|known| known.0 == fault) {
            self.0.push(Fault(fault));
        }
    }
}

pub(crate) fn run() -> Result<()> {
    let files = Files::read("concourse")?;
    let faults = faults_of(&files);
    if !faults.is_empty() {
        let list: Vec<_> = faults.iter().map(|fault| fault.0.as_str()).collect();
        let what = format!("{} faults in concourse/", faults.len());
        return Err(Failure::new(
            Kind::Check,
            what,
            list.join("\n"),
            "fix each; concourse/README.md has the rules",
        )
        .into());
    }
    let pipelines: Vec<_> = files.pipelines().map(|(path, _)| path.to_owned()).collect();
    printing::eprintln!(
        "{} pipelines and {} tasks are consistent",
        pipelines.len(),
        files.tasks().count()
    );
    if !tools::is_installed("fly") {
        printing::eprintln!(
            "not proven: what `fly validate-pipeline --strict` says (fly is not installed)"
        );
        return Ok(());
    }
    pipelines.iter().try_for_each(|path| {
        tool("fly")
            .args([
                "validate-pipeline",
                "--strict",
                "--config",
                path,
                "--load-vars-from",
                variables::FILE,
            ])
            .run()
    })
}

/// All faults in these files.
fn faults_of(files: &Files) -> Vec<Fault> {
    let mut faults = Faults::default();
    let Some(parsed) = files.parse(&mut faults) else {
        return faults.0;
    };
    shape::check(&parsed, &mut faults);
    if faults.0.is_empty() {
        references::check(&parsed, &mut faults);
        artifacts::check(&parsed, &mut faults);
        scripts::check(&parsed, files, &mut faults);
        policy::check(&parsed, files, &mut faults);
        secrets::check(&parsed, &mut faults);
        variables::check(&parsed, files, &mut faults);
        toolchain::check(&parsed, files, &mut faults);
    }
    faults.0
}
