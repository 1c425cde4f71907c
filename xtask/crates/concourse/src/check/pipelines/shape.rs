//! The form of steps, names and durations that the server requires when a pipeline is set.

use super::files::Parsed;
use super::{Fault, Faults};
use crate::concourse::{Job, Kind, Step};

pub(super) fn check(parsed: &Parsed, faults: &mut Faults) {
    for (pipeline_name, pipeline) in &parsed.pipelines {
        if pipeline.jobs.is_empty() {
            faults.add(pipeline_name, "has no job");
        }
        unique(
            pipeline_name,
            "job",
            pipeline.jobs.iter().map(|job| job.name.as_str()),
            faults,
        );
        unique(
            pipeline_name,
            "resource",
            pipeline.resources.iter().map(|it| it.name.as_str()),
            faults,
        );
        unique(
            pipeline_name,
            "resource type",
            pipeline.resource_types.iter().map(|it| it.name.as_str()),
            faults,
        );
        unique(
            pipeline_name,
            "group",
            pipeline.groups.iter().map(|group| group.name.as_str()),
            faults,
        );
        unique(
            pipeline_name,
            "variable source",
            pipeline.var_sources.iter().map(|it| it.name.as_str()),
            faults,
        );
        for resource in pipeline.resources.iter().chain(&pipeline.resource_types) {
            let place = format!("{pipeline_name}: resource {}", resource.name);
            duration(
                &place,
                "check_every",
                resource.check_every.as_deref(),
                faults,
            );
            duration(
                &place,
                "check_timeout",
                resource.check_timeout.as_deref(),
                faults,
            );
        }
        pipeline
            .jobs
            .iter()
            .for_each(|job| job_shape(pipeline_name, job, faults));
    }
}

fn job_shape(pipeline: &str, job: &Job, faults: &mut Faults) {
    let place = format!("{pipeline}: job {}", job.name);
    if job.plan.is_empty() {
        faults.add(&place, "has an empty plan");
    }
    for step in job.all_steps() {
        step_shape(&format!("{place}: {}", step.name()), step, faults);
    }
}

fn step_shape(place: &str, step: &Step, faults: &mut Faults) {
    let [kind] = step.kinds()[..] else {
        let text =
            "a step is exactly one of get, put, task, set_pipeline, load_var, in_parallel, do, try";
        return faults.add(place, text);
    };
    for (key, there, kinds) in keys(step) {
        if there && !kinds.contains(&kind) {
            faults.add(
                place,
                format_args!("{key} does not belong to a step of this kind"),
            );
        }
    }
    duration(place, "timeout", step.timeout.as_deref(), faults);
    if step.attempts == Some(0) {
        faults.add(place, "attempts must be 1 or more");
    }
    if kind == Kind::Task && step.file.is_some() == step.config.is_some() {
        faults.add(place, "a task has either a file or a config");
    }
    if matches!(kind, Kind::SetPipeline | Kind::LoadVar) && step.file.is_none() {
        faults.add(place, "names no file");
    }
    if step
        .format
        .as_deref()
        .is_some_and(|format| !["raw", "trim", "json", "yml", "yaml"].contains(&format))
    {
        faults.add(place, "format is raw, trim, json or yaml");
    }
}

/// Each key that only some kinds of steps have: whether it is present, and those kinds.
fn keys(step: &Step) -> [(&'static str, bool, &'static [Kind]); 20] {
    use Kind::{Get, LoadVar, Put, SetPipeline, Task};
    [
        ("resource", step.resource.is_some(), &[Get, Put]),
        ("version", step.version.is_some(), &[Get]),
        ("params", step.params.is_some(), &[Get, Put, Task]),
        ("passed", step.passed.is_some(), &[Get]),
        ("trigger", step.trigger.is_some(), &[Get]),
        ("inputs", step.inputs.is_some(), &[Put]),
        ("get_params", step.get_params.is_some(), &[Put]),
        ("no_get", step.no_get.is_some(), &[Put]),
        ("privileged", step.privileged.is_some(), &[Task]),
        ("file", step.file.is_some(), &[Task, SetPipeline, LoadVar]),
        ("config", step.config.is_some(), &[Task]),
        ("container_limits", step.container_limits.is_some(), &[Task]),
        ("vars", step.vars.is_some(), &[Task, SetPipeline]),
        ("input_mapping", step.input_mapping.is_some(), &[Task]),
        ("output_mapping", step.output_mapping.is_some(), &[Task]),
        ("image", step.image.is_some(), &[Task]),
        ("tags", step.tags.is_some(), &[Get, Put, Task]),
        ("team", step.team.is_some(), &[SetPipeline]),
        (
            "var_files or instance_vars",
            step.var_files.is_some() || step.instance_vars.is_some(),
            &[SetPipeline],
        ),
        (
            "format or reveal",
            step.format.is_some() || step.reveal.is_some(),
            &[LoadVar],
        ),
    ]
}

fn unique<'a>(
    pipeline: &str,
    kind: &str,
    names: impl Iterator<Item = &'a str>,
    faults: &mut Faults,
) {
    let mut seen = Vec::new();
    for name in names {
        let first = name.chars().next().is_some_and(char::is_lowercase);
        if !first
            || !name
                .chars()
                .all(|c| c.is_alphanumeric() && !c.is_uppercase() || "-_.".contains(c))
        {
            faults.add(
                pipeline,
                format_args!(
                    "{kind} {name:?}: a name is lower-case letters, digits, '-', '_', '.'"
                ),
            );
        }
        if seen.contains(&name) {
            faults.add(pipeline, format_args!("{kind} {name} is there twice"));
        }
        seen.push(name);
    }
}

fn duration(place: &str, key: &str, value: Option<&str>, faults: &mut Faults) {
    if value.is_some_and(|value| value != "never" && !is_duration(value)) {
        faults.add(
            place,
            format_args!("{key} is not a duration such as 90s, 10m or 1h30m"),
        );
    }
}

/// Whether Go's `time.ParseDuration` would take it.
fn is_duration(text: &str) -> bool {
    let mut rest = text;
    while !rest.is_empty() {
        let after = rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
        let Some(unit) = ["ns", "us", "ms", "s", "m", "h"]
            .into_iter()
            .find(|unit| after.starts_with(unit))
        else {
            return false;
        };
        if after.len() == rest.len() {
            return false;
        }
        rest = &after[unit.len()..];
    }
    !text.is_empty()
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::is_duration;

    #[test]
    fn durations_are_those_of_the_server() {
        assert!(
            ["90s", "10m", "1h30m", "1.5h", "100ms"]
                .into_iter()
                .all(is_duration)
        );
        assert!(
            !["", "10", "m", "10 m", "1d", "never"]
                .into_iter()
                .any(is_duration)
        );
    }
}
