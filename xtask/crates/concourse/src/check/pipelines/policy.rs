//! Roster's own rules for every job: notifications, timeouts, limits, retention, pinning.

use serde_json::Value;

use super::Faults;
use super::files::{CODEOWNERS, Files, Parsed};
use crate::concourse::{Hook, Job, Kind, Pipeline, Resource, Step};

const TELL_SLACK: &str = "concourse/tasks/tell-slack/task.yml";
const SETTER: &str = "set-pipelines";
const APPLY: &str = "concourse/tasks/apply-infrastructure/task.yml";
/// The resource that notifies the author of a pull request.
const PULL_REQUEST: &str = "pull-request";

pub(super) fn check(parsed: &Parsed, files: &Files, faults: &mut Faults) {
    for (name, pipeline) in &parsed.pipelines {
        pins(name, pipeline, faults);
        for job in &pipeline.jobs {
            let place = format!("{name}: job {}", job.name);
            alerts(&place, name, job, faults);
            limits(&place, job, faults);
            locks(&place, job, faults);
            by_hand(&place, job, faults);
        }
        page(name, pipeline, files, faults);
    }
    set_by_themselves(parsed, faults);
    owners(files, faults);
    for (path, task) in &parsed.tasks {
        let limits = task.container_limits.as_ref();
        if limits.is_none_or(|limits| limits.cpu.is_none() || limits.memory.is_none()) {
            faults.add(path, "has no container_limits of cpu and memory");
        }
        if let Some(image) = &task.image_resource {
            pinned(
                path,
                &image.kind,
                &image.source,
                image.version.as_ref(),
                faults,
            );
        }
    }
}

/// Each of the four ways in which a job can end sends a notification with the right parameters.
fn alerts(place: &str, pipeline: &str, job: &Job, faults: &mut Faults) {
    let states = [
        (Hook::Success, "succeeded"),
        (Hook::Failure, "failed"),
        (Hook::Error, "errored"),
        (Hook::Abort, "aborted"),
    ];
    for (hook, state) in states {
        let step = job
            .hooks()
            .into_iter()
            .find(|(known, _)| *known == hook)
            .and_then(|(_, step)| step);
        let Some(step) = step else {
            faults.add(
                place,
                format_args!("has no {}: nobody would be notified", hook.key()),
            );
            continue;
        };
        let place = format!("{place}: {}", hook.key());
        if step.put.as_deref() == Some(PULL_REQUEST) {
            continue;
        }
        // Concourse fails a job whose hook fails.
        let Some(step) = step.attempt.as_deref() else {
            faults.add(
                &place,
                "is not inside a try: a failing notifier would turn the job red",
            );
            continue;
        };
        if !step
            .file
            .as_deref()
            .is_some_and(|file| file.ends_with(TELL_SLACK))
        {
            faults.add(&place, "notifies neither Slack nor the pull request");
            continue;
        }
        for (name, wanted) in [("FLOW", pipeline), ("JOB", &job.name), ("STATE", state)] {
            let given = step
                .params
                .as_ref()
                .and_then(|params| params.get(name))
                .and_then(Value::as_str);
            if given != Some(wanted) {
                faults.add(
                    &place,
                    format_args!(
                        "{name} is {} instead of {wanted}",
                        given.unwrap_or("not given")
                    ),
                );
            }
        }
    }
}

fn limits(place: &str, job: &Job, faults: &mut Faults) {
    let retention = job.build_log_retention.as_ref();
    if retention.is_none_or(|kept| {
        kept.days.is_none() || kept.builds.is_none() || kept.minimum_succeeded_builds.is_none()
    }) {
        faults.add(
            place,
            "has no build_log_retention with days, builds and minimum_succeeded_builds",
        );
    }
    if !job.serial && job.max_in_flight.is_none() {
        faults.add(place, "has neither serial nor max_in_flight");
    }
    // `tell-slack` reads the job's build history without a token.
    if !job.public {
        faults.add(
            place,
            "is not public: tell-slack could not read its history",
        );
    }
    for step in job.all_steps() {
        let [kind] = step.kinds()[..] else { continue };
        if matches!(kind, Kind::Get | Kind::Put | Kind::Task | Kind::SetPipeline)
            && step.timeout.is_none()
        {
            faults.add(place, format_args!("{}: has no timeout", step.name()));
        }
        // One failed request to a registry or git server must not fail a build; a `try` cannot fail it.
        let inside_try = job.all_steps().iter().any(|outer| {
            outer
                .attempt
                .as_deref()
                .is_some_and(|it| std::ptr::eq(it, step))
        });
        if kind == Kind::Get && step.attempts.unwrap_or(1) < 2 && !inside_try {
            faults.add(
                place,
                format_args!("{}: a get has attempts: 2 or more", step.name()),
            );
        }
    }
}

/// A lock is released by the `ensure` of the steps that need it, and every step on an environment is among those.
///
/// The job's own `ensure` is too late: the job's hooks run before it, and the lock would be held while Slack is notified.
fn locks(place: &str, job: &Job, faults: &mut Faults) {
    let param = |step: &Step, name: &str| {
        let value = step.params.as_ref().and_then(|params| params.get(name))?;
        value.as_str().map(str::to_owned)
    };
    let steps = job.all_steps();
    let mut taken = Vec::new();
    for step in &steps {
        let Some(lock) = step.put.as_deref() else {
            continue;
        };
        let Some(name) = param(step, "claim").or_else(|| param(step, "acquire")) else {
            continue;
        };
        let releases = |step: &Step| {
            step.ensure.as_deref().is_some_and(|step| {
                step.put.as_deref() == Some(lock) && param(step, "release").as_deref() == Some(lock)
            })
        };
        let holding = steps.iter().find(|step| releases(step));
        let Some(holding) = holding else {
            let text = "and no step around those that need it releases it in its ensure";
            faults.add(place, format_args!("takes {lock}, {text}"));
            continue;
        };
        taken.push((name, holding.and_inner()));
    }
    for step in steps.iter().filter(|step| step.task.is_some()) {
        let Some(environment) = param(step, "ENVIRONMENT") else {
            continue;
        };
        let locked = taken.iter().any(|(name, held)| {
            *name == environment && held.iter().any(|inner| std::ptr::eq(*inner, *step))
        });
        if !locked || !job.serial_groups.contains(&environment) {
            faults.add(
                place,
                format_args!("changes {environment} without its lock and its serial group"),
            );
        }
    }
}

/// A push never starts a job that changes the cloud: a person reads the plan first.
fn by_hand(place: &str, job: &Job, faults: &mut Faults) {
    let steps = job.all_steps();
    let applies = |step: &&Step| {
        step.file
            .as_deref()
            .is_some_and(|file| file.ends_with(APPLY))
    };
    if steps.iter().copied().any(|step| applies(&step))
        && steps.iter().any(|step| step.trigger == Some(true))
    {
        faults.add(place, "applies infrastructure, and is not started by hand");
    }
}

fn pins(name: &str, pipeline: &Pipeline, faults: &mut Faults) {
    for resource in pipeline.resources.iter().chain(&pipeline.resource_types) {
        let place = format!("{name}: resource {}", resource.name);
        // The newest of several versions may send a notification, and run nothing else.
        if resource.source.get("tag_regex").is_some() {
            newest(&place, pipeline, resource, faults);
        } else {
            pinned(
                &place,
                &resource.kind,
                &resource.source,
                resource.version.as_ref(),
                faults,
            );
        }
        if resource.kind == "git"
            && resource
                .source
                .get("branch")
                .and_then(Value::as_str)
                .is_none()
        {
            faults.add(&place, "names no branch");
        }
    }
}

/// An image whose newest version is used: only among exact versions, and only for `tell-slack`.
fn newest(place: &str, pipeline: &Pipeline, resource: &Resource, faults: &mut Faults) {
    let regex = resource.source.get("tag_regex").and_then(Value::as_str);
    if !regex.is_some_and(|regex| regex.starts_with('^') && regex.ends_with('$')) {
        faults.add(place, "its tag_regex does not begin with ^ and end with $");
    }
    let steps = pipeline.jobs.iter().flat_map(Job::all_steps);
    let others = steps.filter(|step| {
        step.image.as_deref() == Some(&resource.name)
            && !step
                .file
                .as_deref()
                .is_some_and(|file| file.ends_with(TELL_SLACK))
    });
    for step in others {
        faults.add(
            place,
            format_args!("{} runs in an image that is not pinned", step.name()),
        );
    }
}

fn pinned(place: &str, kind: &str, source: &Value, version: Option<&Value>, faults: &mut Faults) {
    if kind != "registry-image" {
        return;
    }
    let by_digest = version.is_some_and(|version| version.get("digest").is_some());
    let tag = source.get("tag").and_then(Value::as_str);
    let exact = tag.is_some_and(|tag| tag.chars().any(|c| c.is_ascii_digit()) && tag.contains('.'));
    if !by_digest && !exact {
        let tag = tag.unwrap_or("latest");
        faults.add(
            place,
            format_args!("the image is pinned neither by digest nor by exact version (tag {tag})"),
        );
    }
}

/// The pipeline's page names every job.
fn page(name: &str, pipeline: &Pipeline, files: &Files, faults: &mut Faults) {
    let path = format!("concourse/pipelines/{name}.md");
    let Some(text) = files.text(&path) else {
        return faults.add(name, format_args!("there is no page {path}"));
    };
    for job in pipeline.jobs.iter().filter(|job| !text.contains(&job.name)) {
        faults.add(&path, format_args!("does not name the job {}", job.name));
    }
}

/// What a manual start guards has owners: one person alone could otherwise change what it runs.
fn owners(files: &Files, faults: &mut Faults) {
    let text = files.text(CODEOWNERS).unwrap_or_default();
    for folder in ["/.github/", "/concourse/", "/terraform/", "/xtask/"] {
        let owned = text.lines().any(|line| {
            let mut words = line.split_whitespace();
            words.next() == Some(folder) && words.any(|word| word.starts_with('@'))
        });
        if !owned {
            faults.add(CODEOWNERS, format_args!("{folder} has no owner"));
        }
    }
}

/// A push sets every pipeline, including the one that sets them.
fn set_by_themselves(parsed: &Parsed, faults: &mut Faults) {
    let Some(setter) = parsed.pipelines.get(SETTER) else {
        return faults.add(SETTER, "is not there");
    };
    let steps = setter.jobs.iter().flat_map(Job::all_steps);
    let set: Vec<_> = steps
        .filter(|step| step.set_pipeline.is_some())
        .filter_map(|step| Some((step.set_pipeline.as_deref()?, step.file.as_deref()?)))
        .collect();
    for name in parsed.pipelines.keys() {
        let called = if name == SETTER { "self" } else { name };
        let file = format!("/concourse/pipelines/{name}.yml");
        if !set
            .iter()
            .any(|(as_name, from)| *as_name == called && from.ends_with(&file))
        {
            faults.add(SETTER, format_args!("does not set {name}"));
        }
    }
}
