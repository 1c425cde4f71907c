//! `cargo xtask ci develop|master`: the flow of a pipeline on this machine, step by step.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::cli::{CiArgs, CiFlow, CiFlowArgs};
use crate::concourse::{Pipeline, jobs_in_order, planned_steps};
use crate::flow::{Choice, Ended, Outcome, Runner, Settings};
use crate::rehearsal;
use xtask::failure::{Failure, Kind};
use xtask::interrupt;
use xtask::run_tool::{repository_root, tool};

/// Runs the flow that was named.
pub(crate) fn run(args: &CiArgs) -> Result<()> {
    match &args.flow {
        Some(CiFlow::Develop(args)) => run_flow("develop", args),
        Some(CiFlow::Master(args)) => run_flow("master", args),
        Some(CiFlow::Rehearse(args)) => rehearsal::run(&args.faults),
        // The same on a bare machine and on a laptop: it first installs what is missing.
        None => tool(".ci/run").run(),
    }
}

fn run_flow(flow: &str, args: &CiFlowArgs) -> Result<()> {
    let path = format!("concourse/pipelines/{flow}.yml");
    let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))?;
    let pipeline: Pipeline =
        serde_saphyr::from_str(&text).with_context(|| format!("{path} is not a pipeline"))?;
    if args.list {
        return list(&pipeline);
    }
    interrupt::watch()?;
    let settings = Settings {
        root: repository_root(),
        work: work(flow, args.root_file_system.is_some()),
        choice: Choice::new(args.from.as_deref(), args.only.as_deref()),
        allow_not_proven: args.allow_not_proven,
        environment: args.env.clone(),
        root_file_system: absolute(args.root_file_system.as_deref())?,
        variables: std::env::vars().collect(),
    };
    let outcome = Runner::new(&pipeline, &settings).run()?;
    printing::println!("{}", outcome.table());
    if args.root_file_system.is_some() {
        printing::println!("{}", caches(&settings.work.join("caches"))?);
    }
    conclude(flow, &outcome, &settings.work)
}

/// The flow's folder. Artifacts of tasks that ran isolated are not mixed with those of tasks that ran on this machine.
fn work(flow: &str, isolated: bool) -> PathBuf {
    let name = if isolated {
        format!("{flow}-isolated")
    } else {
        flow.to_owned()
    };
    PathBuf::from("target/flows").join(name)
}

fn absolute(root_file_system: Option<&Path>) -> Result<Option<PathBuf>> {
    let Some(folder) = root_file_system else {
        return Ok(None);
    };
    let folder = std::path::absolute(folder)?;
    if folder.join("etc").is_dir() {
        return Ok(Some(folder));
    }
    Err(Failure::new(
        Kind::Usage,
        format!("{} is not a root file system", folder.display()),
        "it has no folder etc",
        format!(
            "make it: concourse/images/toolchain/make-root-file-system {}",
            folder.display()
        ),
    )
    .into())
}

/// Every step with its script's command.
fn list(pipeline: &Pipeline) -> Result<()> {
    for planned in planned_steps(&jobs_in_order(pipeline, "source")) {
        let name = planned.step.name();
        let script = format!("concourse/tasks/{name}/run.sh");
        let text =
            std::fs::read_to_string(&script).with_context(|| format!("cannot read {script}"))?;
        let commands = text
            .lines()
            .filter_map(|line| line.find("cargo xtask").map(|at| &line[at..]));
        for command in commands {
            printing::println!("{:<10} {name:<20} {command}", planned.job.name);
        }
    }
    Ok(())
}

/// The size of each cache, which a worker would keep.
fn caches(folder: &Path) -> Result<String> {
    if !folder.exists() {
        return Ok(String::new());
    }
    tool("du")
        .args(["--summarize", "--block-size=1M", "--total"])
        .args(std::fs::read_dir(folder)?.map_while(|entry| Some(entry.ok()?.path())))
        .quiet()
        .output()
        .map(|sizes| format!("caches in MB:\n{sizes}"))
}

fn conclude(flow: &str, outcome: &Outcome, work: &Path) -> Result<()> {
    if let Some(stopped) = outcome.stopped_at() {
        let logs = work.join(&stopped.job);
        return Err(failure(flow, &stopped.job, &stopped.step, &stopped.ended, &logs).into());
    }
    let not_proven = outcome.not_proven();
    if not_proven.is_empty() {
        printing::eprintln!("the flow {flow} passed");
        return Ok(());
    }
    Err(Failure::new(
        Kind::Missing,
        format!(
            "the flow {flow} passed, except for what is not proven: {}",
            not_proven.join(", ")
        ),
        "a tool or the network is missing here; the step's output is above",
        format!(
            "install what is missing, then: cargo xtask ci {flow} --only {}",
            not_proven[0]
        ),
    )
    .into())
}

fn failure(flow: &str, job: &str, step: &str, ended: &Ended, logs: &Path) -> Failure {
    let what = format!("the flow {flow} stopped at {job}: {step}");
    let next = format!(
        "fix it, then continue from here: cargo xtask ci {flow} --from {step}   (see concourse/pipelines/{flow}.md)"
    );
    let its_words = format!(
        "its output is above, and in {}",
        logs.join("artifacts/step-log/output").display()
    );
    match ended {
        Ended::Failed(code) => Failure::new(
            Kind::of_exit_code(*code),
            what,
            format!("it exited with code {code}; {its_words}"),
            next,
        ),
        Ended::TimedOut => Failure::new(
            Kind::Check,
            what,
            format!("it exceeded the pipeline's timeout; {its_words}"),
            next,
        ),
        Ended::Errored(why) => Failure::new(
            Kind::Missing,
            what,
            format!("it could not be run: {why}"),
            next,
        ),
        _ => Failure::new(Kind::Interrupted, what, "Ctrl-C or SIGTERM", "run it again"),
    }
}
