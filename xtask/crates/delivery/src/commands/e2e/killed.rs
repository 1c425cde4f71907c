//! Kills a deploy at each of its steps without cleanup; the next deploy must recover.

use std::io::{BufRead as _, BufReader};
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context, Result};
use serde_json::json;

use super::{Stage, values_file};
use crate::e2e::load::Target;

/// Where to kill it: a step, and the delay after its start. An upgrade migrates first, then replaces the pods.
const KILLS: [(&str, Duration); 12] = [
    ("preflight", Duration::ZERO),
    ("image", Duration::ZERO),
    ("chart", Duration::ZERO),
    ("needs", Duration::ZERO),
    ("lock", Duration::ZERO),
    ("repair", Duration::ZERO),
    ("changes", Duration::ZERO),
    ("upgrade", Duration::from_millis(500)),
    ("upgrade", Duration::from_secs(3)),
    ("upgrade", Duration::from_secs(8)),
    ("smoke test", Duration::from_millis(500)),
    ("watch", Duration::from_secs(2)),
];

/// The pods' annotation that identifies a release.
const MARK: &str = "e2e";

impl Stage<'_> {
    /// Kills a deploy at each step and deploys again, under load.
    pub(super) fn kill_at_each_step(&mut self, target: &Target) -> Result<()> {
        let targets = std::slice::from_ref(target);
        self.under_load("deploy killed at each step", targets, false, |stage| {
            let mut slowest = Duration::ZERO;
            for (step, after) in KILLS {
                let took = stage.kill_and_deploy(step, after)?;
                printing::eprintln!(
                    "  killed {:.1} s into {step}: the next deploy recovered in {:.1} s",
                    after.as_secs_f64(),
                    took.as_secs_f64()
                );
                slowest = slowest.max(took);
            }
            Ok(format!(
                "{} times, each recovered by the next deploy, the slowest in {:.1} s",
                KILLS.len(),
                slowest.as_secs_f64()
            ))
        })
    }

    fn kill_and_deploy(&self, step: &str, after: Duration) -> Result<Duration> {
        let mark = format!("{:?}", SystemTime::now());
        let values = values_file(&json!({"podAnnotations": {MARK: mark}}))?;
        let mut child = self.begin_deploy(&values)?;
        let reached = reach(&mut child, step);
        thread::sleep(after);
        child.kill()?;
        let ended = child.wait()?;
        reached?;
        anyhow::ensure!(
            ended.signal().is_some(),
            "the deploy ended before it was killed in {step}: {ended}"
        );
        let begun = Instant::now();
        self.deploy(&self.image, Some(values), 180)
            .with_context(|| format!("the deploy after one that was killed in {step}"))?;
        let deployment = self.cluster.deployment()?;
        let deployment = deployment.context("there is no Deployment")?;
        let runs = &deployment["spec"]["template"]["metadata"]["annotations"][MARK];
        anyhow::ensure!(
            *runs == mark,
            "after a kill in {step}, what runs is marked {runs} instead of {mark:?}"
        );
        Ok(begun.elapsed())
    }

    /// The same command in a separate process.
    fn begin_deploy(&self, values: &std::path::Path) -> Result<Child> {
        let mut command = Command::new(std::env::current_exe()?);
        command
            .args(["deploy", "--env", "dev", "--yes", "--timeout", "180"])
            .args(["--watch-seconds", "10", "--image", &self.image.to_string()])
            .args(["--repository", &self.args.repository])
            .args(["--context", &self.cluster.context])
            // Nothing that is remembered for this checkout is read or changed.
            .env("XDG_STATE_HOME", std::path::absolute("target/e2e-state")?);
        for file in self
            .values
            .iter()
            .map(std::path::PathBuf::as_path)
            .chain([values])
        {
            command.arg("--values").arg(file);
        }
        if let Some(domain) = &self.args.domain {
            command.args(["--domain", domain]);
        }
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        command.spawn().context("cannot start a deploy")
    }
}

/// Waits until the deploy announces the step. Its output is read to the end: a helm process that outlives the deploy
/// must not write to a closed pipe.
fn reach(child: &mut Child, step: &str) -> Result<()> {
    let output = child
        .stderr
        .take()
        .context("the deploy's output is not captured")?;
    let heading = format!("> {step}");
    let (begins, begun) = mpsc::channel();
    thread::spawn(move || {
        let mut said = String::new();
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            if line == heading {
                // The receiver may be gone.
                let _ = begins.send(Ok(()));
            }
            said = said + &line + "\n";
        }
        let _ = begins.send(Err(said));
    });
    match begun.recv()? {
        Ok(()) => Ok(()),
        Err(said) => anyhow::bail!("the deploy ended before its step {step}:\n{said}"),
    }
}
