//! A helm process that changes the release: its output, and what becomes of it when we are killed.
//!
//! Helm outlives a deploy that is killed, and the next deploy waits for it. Its output goes to a file, which is shown as
//! it grows: neither our end nor a reader of ours that has gone (`| head -1`) ends helm half-way.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::{Child, ExitStatus};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use xtask::failure::{Failure, Kind};
use xtask::run_tool::{Run, tool};

/// Records the helm process that we started, so that one that outlived us is waited for.
const HELM_PID: &str = "target/deploy-helm.pid";

/// A running helm.
pub(super) struct HelmProcess {
    child: Child,
    shown: String,
    log: PathBuf,
    output: File,
    said: String,
}

impl HelmProcess {
    pub(super) fn start(run: Run) -> Result<Self> {
        std::fs::create_dir_all("target").context("cannot make the folder target")?;
        let log = PathBuf::from(format!("target/deploy-helm-{}.log", std::process::id()));
        let cannot = || format!("cannot write {}", log.display());
        let file = File::create(&log).with_context(cannot)?;
        let output = File::open(&log).with_context(cannot)?;
        let shown = run.shown().to_owned();
        let child = run.output_to(&file)?.spawn()?;
        std::fs::write(HELM_PID, child.id().to_string())?;
        Ok(Self {
            child,
            shown,
            log,
            output,
            said: String::new(),
        })
    }

    /// Its exit status once it has exited; shows what it has written meanwhile.
    pub(super) fn poll(&mut self) -> Result<Option<ExitStatus>> {
        let status = self.child.try_wait()?;
        self.show();
        Ok(status)
    }

    /// Stops it as Ctrl-C does.
    pub(super) fn interrupt(&self) -> Result<()> {
        let id = self.child.id().to_string();
        tool("kill").args(["-INT", &id]).quiet().run()
    }

    pub(super) fn kill(&mut self) -> Result<()> {
        Ok(self.child.kill()?)
    }

    /// Forgets the process, which has exited; returns its error message.
    pub(super) fn end(mut self) -> String {
        self.show();
        let _ = std::fs::remove_file(HELM_PID);
        let _ = std::fs::remove_file(&self.log);
        error_in(&self.said)
    }

    fn show(&mut self) {
        let mut new = Vec::new();
        let at = self.said.len() as u64;
        let read = self.output.seek(SeekFrom::Start(at));
        if read
            .and_then(|_| self.output.read_to_end(&mut new))
            .is_err()
        {
            return;
        }
        // What is not valid UTF-8 yet is the beginning of a character: it is read again.
        let text = match std::str::from_utf8(&new) {
            Ok(text) => text,
            Err(error) => std::str::from_utf8(&new[..error.valid_up_to()]).unwrap_or_default(),
        };
        printing::eprint!("{text}");
        self.said.push_str(text);
    }
}

/// Helm's error message; empty if there is none.
fn error_in(output: &str) -> String {
    let error = output.rfind("Error: ").map(|at| &output[at..]);
    error.unwrap_or_default().trim().to_owned()
}

/// Runs helm to its end.
pub(crate) fn run(run: Run) -> Result<()> {
    let mut process = HelmProcess::start(run)?;
    let status = loop {
        if let Some(status) = process.poll()? {
            break status;
        }
        thread::sleep(Duration::from_millis(200));
    };
    let shown = process.shown.clone();
    let words = process.end();
    if status.success() {
        return Ok(());
    }
    let why = if words.is_empty() {
        format!("it exited with {status}")
    } else {
        words
    };
    Err(Failure::new(
        Kind::Rollout,
        format!("`{shown}` failed"),
        why,
        "check with cargo xtask status; then run the command again, which first repairs the release",
    )
    .into())
}

/// Waits for a helm process that a killed deploy left behind, because two would conflict.
pub(super) fn wait_for_orphan() -> Result<()> {
    let Ok(pid) = std::fs::read_to_string(HELM_PID) else {
        return Ok(());
    };
    let begun = Instant::now();
    while is_helm(pid.trim()) {
        printing::eprintln!(
            "  helm (process {pid}) of a killed deploy is still running; waiting …"
        );
        if begun.elapsed() > Duration::from_mins(15) {
            return Err(Failure::new(
                Kind::Refused,
                format!("helm (process {pid}) of an earlier deploy does not exit"),
                "two helm processes on one release conflict",
                format!("stop it: kill {pid}; then run the command again"),
            )
            .into());
        }
        thread::sleep(Duration::from_secs(2));
    }
    if Path::new(HELM_PID).exists() {
        std::fs::remove_file(HELM_PID)?;
    }
    Ok(())
}

fn is_helm(pid: &str) -> bool {
    tool("ps")
        .args(["-o", "args=", "-p", pid])
        .quiet()
        .output()
        .is_ok_and(|args| changes_the_release(&args))
}

/// Whether this command line is a helm process working on the release, and not another process that reuses its id.
fn changes_the_release(args: &str) -> bool {
    let verbs = ["upgrade", "rollback", "uninstall"];
    args.contains("helm") && args.split_whitespace().any(|word| verbs.contains(&word))
}

#[cfg(test)]
mod tests {
    use super::{changes_the_release, error_in};

    #[test]
    fn a_helm_that_goes_back_is_waited_for_like_one_that_upgrades() {
        assert!(changes_the_release(
            "target/tools/bin/helm rollback roster 3 --wait"
        ));
        assert!(changes_the_release("helm3 uninstall roster"));
        assert!(!changes_the_release("helm list"));
        assert!(!changes_the_release("vim upgrade"));
    }

    #[test]
    fn helms_message_is_what_follows_its_last_error() {
        let output = "level=WARN msg=x\nError: UPGRADE FAILED: conflict occurred\nwith more\n";
        assert_eq!(
            error_in(output),
            "Error: UPGRADE FAILED: conflict occurred\nwith more"
        );
        assert_eq!(error_in("Release \"roster\" has been upgraded."), "");
    }
}
