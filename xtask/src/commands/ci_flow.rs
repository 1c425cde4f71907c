//! `cargo xtask ci develop|master`: the flow of a pipeline on this machine, step by step.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::cli::{CiArgs, CiFlow, CiFlowArgs};
use crate::concourse::Pipeline;
use crate::failure::{Failure, Kind};
use crate::flow::{Ended, Runner, Settings};
use crate::interrupt;
use crate::run_tool::{repository_root, tool};

/// Runs the flow that was named.
pub(crate) fn run(args: &CiArgs) -> Result<()> {
    match &args.flow {
        Some(CiFlow::Develop(args)) => run_flow("develop", args),
        Some(CiFlow::Master(args)) => run_flow("master", args),
        // The same on a bare machine and on a laptop: it installs what is missing first.
        None => tool(".ci/run").run(),
    }
}

fn run_flow(flow: &str, args: &CiFlowArgs) -> Result<()> {
    interrupt::watch()?;
    let path = format!("concourse/pipelines/{flow}.yml");
    let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))?;
    let pipeline: Pipeline =
        serde_saphyr::from_str(&text).with_context(|| format!("{path} is no pipeline"))?;
    let settings = Settings {
        root: repository_root(),
        work: PathBuf::from("target/flows").join(flow),
        environment: args.env.clone(),
        variables: std::env::vars().collect(),
    };
    let outcome = Runner::new(&pipeline, &settings).run()?;
    println!("{}", outcome.table());
    let Some(stopped) = outcome.stopped_at() else {
        anstream::eprintln!("the flow {flow} passed");
        return Ok(());
    };
    let logs = settings.work.join(&stopped.job);
    Err(failure(flow, &stopped.job, &stopped.step, &stopped.ended, &logs).into())
}

fn failure(flow: &str, job: &str, step: &str, ended: &Ended, logs: &Path) -> Failure {
    let what = format!("the flow {flow} stopped at {job}: {step}");
    let next = format!("concourse/pipelines/{flow}.md says how to run this step by hand");
    let its_words = format!(
        "its own words are above, and in {}",
        logs.join("artifacts/step-log/output").display()
    );
    match ended {
        Ended::Failed(code) => Failure::new(
            kind(*code),
            what,
            format!("it ended with exit code {code}; {its_words}"),
            next,
        ),
        Ended::TimedOut => Failure::new(
            Kind::Check,
            what,
            format!("it took longer than the pipeline allows; {its_words}"),
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

/// The kind of failure that an exit code of `cargo xtask` stands for.
fn kind(code: i32) -> Kind {
    match code {
        2 => Kind::Usage,
        3 => Kind::Missing,
        4 => Kind::Unreachable,
        5 => Kind::Refused,
        6 => Kind::Rollout,
        130 => Kind::Interrupted,
        _ => Kind::Check,
    }
}

#[cfg(test)]
mod tests {
    use super::kind;

    #[test]
    fn the_exit_code_of_the_step_is_that_of_the_flow() {
        for code in [1, 2, 3, 4, 5, 6, 130] {
            assert_eq!(i32::from(kind(code).exit_code()), code);
        }
        assert_eq!(kind(101).exit_code(), 1);
    }
}
