//! The sequential order of a pipeline's tasks.
//!
//! `cargo xtask ci` runs them in this order.

use std::collections::BTreeSet;

use super::{Job, Pipeline, Step};

/// A task at its position in the pipeline.
#[derive(Clone, Copy)]
pub(crate) struct PlannedStep<'a> {
    pub(crate) job: &'a Job,
    pub(crate) step: &'a Step,
}

/// The jobs reachable from a trigger of the resource, each after those it waits for, otherwise in file order.
pub(crate) fn jobs_in_order<'a>(pipeline: &'a Pipeline, resource: &str) -> Vec<&'a Job> {
    let gets = |job: &'a Job| {
        let steps = job.all_steps();
        steps
            .into_iter()
            .find(|step| step.get.is_some() && step.resource() == Some(resource))
    };
    let triggered = |job: &&'a Job| gets(job).is_some_and(|get| get.trigger == Some(true));
    let mut waiting: Vec<&Job> = pipeline.jobs.iter().filter(triggered).collect();
    let mut done = BTreeSet::new();
    let mut ordered = Vec::new();
    while !waiting.is_empty() {
        let ready = waiting.iter().position(|job| {
            let passed = gets(job)
                .and_then(|get| get.passed.as_deref())
                .unwrap_or_default();
            passed.iter().all(|name| done.contains(name.as_str()))
        });
        // A cycle, or an unreachable job: Concourse would never run it.
        let Some(ready) = ready else { break };
        let job = waiting.remove(ready);
        done.insert(job.name.as_str());
        ordered.push(job);
    }
    ordered
}

/// The tasks of these jobs, one after the other.
pub(crate) fn planned_steps<'a>(jobs: &[&'a Job]) -> Vec<PlannedStep<'a>> {
    let of_job = |job: &&'a Job| {
        let job: &'a Job = job;
        let tasks = job.plan.iter().flat_map(tasks);
        tasks.map(move |step| PlannedStep { job, step })
    };
    jobs.iter().flat_map(of_job).collect()
}

/// The step itself if it is a task, and the tasks inside it, without hooks.
pub(crate) fn tasks(step: &Step) -> Vec<&Step> {
    let own = step.task.is_some().then_some(step);
    let inner = step.inner().into_iter().flat_map(tasks);
    own.into_iter().chain(inner).collect()
}

#[cfg(test)]
mod tests {
    use super::{jobs_in_order, planned_steps};
    use crate::concourse::Pipeline;

    const PIPELINE: &str = "
resources: [{name: source, type: git, source: {}}]
jobs:
  - {name: ship, plan: [{get: source, trigger: true, passed: [test, lint]}, {task: push, file: f}]}
  - {name: by-hand, plan: [{get: source}, {task: never, file: f}]}
  - {name: lint, plan: [{get: source, trigger: true, passed: [compile]}, {task: lint, file: f}]}
  - {name: compile, plan: [{get: source, trigger: true}, {in_parallel: [{task: one, file: f}, {task: two, file: f}]}]}
  - {name: test, plan: [{get: source, trigger: true, passed: [compile]}, {task: test, file: f}]}
";

    #[test]
    fn a_job_comes_after_those_that_it_waits_for_and_manual_jobs_are_left_out() {
        let pipeline: Pipeline = serde_saphyr::from_str(PIPELINE).expect("a pipeline");
        let jobs = jobs_in_order(&pipeline, "source");
        assert_eq!(
            jobs.iter().map(|job| job.name.as_str()).collect::<Vec<_>>(),
            ["compile", "lint", "test", "ship"]
        );
        let steps = planned_steps(&jobs);
        let names: Vec<_> = steps.iter().map(|planned| planned.step.name()).collect();
        assert_eq!(names, ["one", "two", "lint", "test", "push"]);
    }

    #[test]
    fn jobs_that_wait_for_each_other_end_the_order_instead_of_the_program() {
        let text = PIPELINE.replace(
            "{name: compile, plan: [{get: source, trigger: true}",
            "{name: compile, plan: [{get: source, trigger: true, passed: [ship]}",
        );
        let pipeline: Pipeline = serde_saphyr::from_str(&text).expect("a pipeline");
        assert!(jobs_in_order(&pipeline, "source").is_empty());
    }
}
