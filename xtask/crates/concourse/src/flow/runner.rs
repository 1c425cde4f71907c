//! Runs the jobs of a pipeline in order, and stops at the first that fails.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use anstyle::{AnsiColor, Style};
use anyhow::{Context, Result};
use serde_json::Value;

use super::choice::Choice;
use super::isolated::Isolated;
use super::layout::lay_out;
use super::outcome::Row;
use super::{Ended, Outcome, SOURCE, process};
use crate::concourse::{Job, Pipeline, Step, Task, jobs_in_order, planned_steps, tasks};

/// The exit code for a missing tool or prerequisite.
const MISSING: i32 = 3;
const BOLD: Style = Style::new().bold();

/// The settings of a flow.
pub(crate) struct Settings {
    /// The repository.
    pub(crate) root: PathBuf,
    /// Directory of the tasks' inputs and outputs; emptied first if the whole flow is run.
    pub(crate) work: PathBuf,
    /// The steps to run.
    pub(crate) choice: Choice,
    /// Continue after a step that exits with 3.
    pub(crate) allow_not_proven: bool,
    /// The environment to deploy to, instead of the pipeline's.
    pub(crate) environment: String,
    /// Run the tasks in this root file system, instead of on this machine.
    pub(crate) root_file_system: Option<PathBuf>,
    /// Variables of the caller, which override the pipeline's.
    pub(crate) variables: BTreeMap<String, String>,
}

/// Runs one pipeline.
pub(crate) struct Runner<'a> {
    settings: &'a Settings,
    pipeline: &'a Pipeline,
    outcome: Outcome,
    /// Absolute, because a script starts in its own directory.
    work: PathBuf,
    runs: u32,
    in_hook: bool,
    /// Whether the first selected step has been reached.
    begun: bool,
}

impl<'a> Runner<'a> {
    pub(crate) fn new(pipeline: &'a Pipeline, settings: &'a Settings) -> Self {
        Self {
            settings,
            pipeline,
            outcome: Outcome::default(),
            work: PathBuf::new(),
            runs: 0,
            in_hook: false,
            begun: false,
        }
    }

    /// Runs the flow to its end, or to the step that stops it.
    pub(crate) fn run(mut self) -> Result<Outcome> {
        let jobs = jobs_in_order(self.pipeline, SOURCE);
        anyhow::ensure!(
            !jobs.is_empty(),
            "no job of the pipeline is started by a push"
        );
        let choice = &self.settings.choice;
        choice.check(
            planned_steps(&jobs)
                .iter()
                .map(|planned| planned.step.name()),
        )?;
        // Earlier steps are not run again: their outputs still exist.
        self.work = std::path::absolute(&self.settings.work)?;
        self.clean(&jobs)?;
        for job in &jobs {
            if self.outcome.stopped_at().is_some() {
                self.not_reached(job);
            } else {
                self.job(job)?;
            }
        }
        Ok(self.outcome)
    }

    /// Removes what an earlier run left, except for caches: all if the whole flow is run, else only the clones of the
    /// sources, since each build gets its own.
    fn clean(&self, jobs: &[&Job]) -> Result<()> {
        for job in jobs {
            let of_job = self.work.join(&job.name);
            let gone = if self.settings.choice == Choice::All {
                of_job
            } else {
                of_job.join(SOURCE)
            };
            if gone.exists() {
                std::fs::remove_dir_all(&gone)?;
            }
        }
        std::fs::create_dir_all(&self.work)?;
        Ok(())
    }

    fn job(&mut self, job: &Job) -> Result<()> {
        let steps = planned_steps(&[job]);
        let mut whole = true;
        for (index, planned) in steps.iter().enumerate() {
            let step = planned.step;
            self.begun |= self.settings.choice.begins_at(step.name());
            if !self.begun || !self.settings.choice.has(step.name()) {
                self.add(job, step, Ended::LeftOut, Duration::ZERO);
                whole = false;
                continue;
            }
            printing::eprintln!("{BOLD}> {}: {}{BOLD:#}", job.name, step.name());
            let begun = Instant::now();
            let mut ended = self.attempts(job, step)?;
            if ended == Ended::Failed(MISSING) && self.settings.allow_not_proven {
                ended = Ended::NotProven;
            }
            report(&ended);
            self.add(job, step, ended.clone(), begun.elapsed());
            whole &= ended == Ended::Passed;
            if ended.stops() {
                for later in &steps[index + 1..] {
                    self.add(job, later.step, Ended::NotReached, Duration::ZERO);
                }
                return self.stopped(job, step, &ended);
            }
        }
        // A job that was run in part has not passed.
        if whole {
            self.hook(job, job.on_success.as_deref())?;
        }
        self.hook(job, job.ensure.as_deref())
    }

    /// Runs the hooks of the step that ended its job, then those of the job.
    fn stopped(&mut self, job: &Job, step: &Step, ended: &Ended) -> Result<()> {
        let of_step = hook_of(
            ended,
            step.on_failure.as_deref(),
            step.on_error.as_deref(),
            step.on_abort.as_deref(),
        );
        self.hook(job, of_step)?;
        let of_job = hook_of(
            ended,
            job.on_failure.as_deref(),
            job.on_error.as_deref(),
            job.on_abort.as_deref(),
        );
        self.hook(job, of_job)?;
        self.hook(job, job.ensure.as_deref())
    }

    fn not_reached(&mut self, job: &Job) {
        for planned in planned_steps(&[job]) {
            self.add(job, planned.step, Ended::NotReached, Duration::ZERO);
        }
    }

    fn add(&mut self, job: &Job, step: &Step, ended: Ended, took: Duration) {
        let (job, step) = (job.name.clone(), step.name().to_owned());
        self.outcome.rows.push(Row {
            job,
            step,
            ended,
            took,
        });
    }

    /// Runs a hook's tasks, also those inside a `try`; resources belong to Concourse.
    fn hook(&mut self, job: &Job, step: Option<&Step>) -> Result<()> {
        for step in step.into_iter().flat_map(tasks) {
            self.in_hook = true;
            let ended = self.attempts(job, step)?;
            self.in_hook = false;
            if ended != Ended::Passed {
                printing::eprintln!(
                    "the hook {} of {} did not pass: {ended:?}",
                    step.name(),
                    job.name
                );
            }
        }
        Ok(())
    }

    fn attempts(&mut self, job: &Job, step: &Step) -> Result<Ended> {
        let mut ended = Ended::NotReached;
        for attempt in 1..=step.attempts.unwrap_or(1) {
            if attempt > 1 {
                printing::eprintln!("attempt {attempt} of {}", step.name());
            }
            ended = self.task(job, step)?;
            if matches!(ended, Ended::Passed | Ended::Interrupted) {
                break;
            }
        }
        Ok(ended)
    }

    fn task(&mut self, job: &Job, step: &Step) -> Result<Ended> {
        self.runs += 1;
        let file = step
            .file
            .as_deref()
            .and_then(|file| file.split_once('/'))
            .context("a task without a file")?
            .1;
        let path = self.settings.root.join(file);
        let text = std::fs::read_to_string(&path)
            .with_context(|| format!("cannot read {}", path.display()))?;
        let task: Task = serde_saphyr::from_str(&text)
            .with_context(|| format!("{} is not a task", path.display()))?;
        let artifacts = self.work.join(&job.name);
        let folder = artifacts.join(format!("{:02}-{}", self.runs, step.name()));
        let mut command = if let Some(root_file_system) = &self.settings.root_file_system {
            let isolated = Isolated {
                root_file_system,
                repository: &self.settings.root,
                work: &self.work,
            };
            isolated.command(job, step, &task, &folder)?
        } else {
            lay_out(&self.settings.root, &artifacts, &folder, step, &task)?;
            let mut command = Command::new(folder.join(&task.run.path));
            command.current_dir(&folder);
            command
        };
        command.envs(self.parameters(step, &task));
        let limit = step.timeout.as_deref().and_then(process::duration);
        Ok(process::run(&mut command, limit, !self.in_hook))
    }

    /// The task's parameters: the caller's variable, or else the pipeline's or the task's. A `((variable))` of
    /// Concourse is omitted, and the command uses this machine's configuration.
    fn parameters(&self, step: &Step, task: &Task) -> BTreeMap<String, String> {
        let given = |name: &str| {
            step.params
                .as_ref()
                .and_then(|params| params.get(name).cloned())
        };
        let names = task.params.iter().filter_map(|(name, default)| {
            let literal = given(name).or_else(|| default.clone()).and_then(text);
            let value = match name.as_str() {
                "ENVIRONMENT" => Some(self.settings.environment.clone()),
                // These identify the step; a caller's variable of the same name means something else.
                "FLOW" | "JOB" | "STATE" => literal,
                _ => self.settings.variables.get(name).cloned().or(literal),
            };
            Some((name.clone(), value.filter(|value| !value.contains("(("))?))
        });
        names.collect()
    }
}

fn text(value: Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text),
        Value::Null => None,
        other => Some(other.to_string()),
    }
}

fn hook_of<'a>(
    ended: &Ended,
    failure: Option<&'a Step>,
    error: Option<&'a Step>,
    abort: Option<&'a Step>,
) -> Option<&'a Step> {
    match ended {
        Ended::Errored(_) => error,
        Ended::Interrupted => abort,
        _ => failure,
    }
}

fn report(ended: &Ended) {
    const RED: Style = AnsiColor::Red.on_default().bold();
    match ended {
        Ended::Errored(why) => printing::eprintln!("{RED}could not be run{RED:#}: {why}"),
        Ended::NotProven => {
            printing::eprintln!("{RED}not proven here{RED:#}: the flow continues and exits with 3");
        }
        Ended::TimedOut => {
            printing::eprintln!("{RED}exceeded its timeout{RED:#} and was stopped");
        }
        _ => {}
    }
}
