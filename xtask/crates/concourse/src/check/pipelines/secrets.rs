//! Secrets come from the credential manager, are in no file, and never reach code from a pull request or an image whose
//! tag somebody else can move.

use serde_json::Value;

use super::Faults;
use super::files::Parsed;
use crate::concourse::{Job, Pipeline, Resource, Step};

/// Keys whose value is a secret.
const SECRET_KEYS: &[&str] = &[
    "password",
    "private_key",
    "token",
    "secret",
    "webhook_url",
    "access_token",
    "id_token",
    "credentials",
];

/// The tag of the workers that run the code of pull requests and nothing else (`terraform/modules/build-workers`).
const PULL_REQUEST_WORKERS: &str = "pull-request";
/// Repositories in which a tag cannot be moved once it is pushed (`vars/roster.yml`).
const IMMUTABLE: &[&str] = &["((mirror))/", "((toolchain_repository))"];
/// The tasks that push; everything else pulls.
const PUSHES: &[&str] = &["push-chart", "push-image"];

pub(super) fn check(parsed: &Parsed, faults: &mut Faults) {
    for (name, pipeline) in &parsed.pipelines {
        movable_tags(name, pipeline, faults);
        pushing(name, pipeline, faults);
        for resource in pipeline.resources.iter().chain(&pipeline.resource_types) {
            resource_of(name, resource, faults);
        }
        for job in &pipeline.jobs {
            let place = format!("{name}: job {}", job.name);
            parameters(&place, job, faults);
            pull_request(&place, pipeline, job, faults);
        }
    }
    for (path, task) in &parsed.tasks {
        let given = task.params.iter();
        for (key, value) in given.filter_map(|(key, value)| Some((key, value.as_ref()?))) {
            look_through(path, key, value, faults);
        }
    }
}

fn resource_of(pipeline: &str, resource: &Resource, faults: &mut Faults) {
    let place = format!("{pipeline}: resource {}", resource.name);
    look_through(&place, "", &resource.source, faults);
    if let Some(token) = &resource.webhook_token {
        look_through(
            &place,
            "webhook_token",
            &Value::from(token.as_str()),
            faults,
        );
    }
}

fn parameters(place: &str, job: &Job, faults: &mut Faults) {
    for step in job.all_steps() {
        for (key, value) in step.params.iter().flatten() {
            look_through(&format!("{place}: {}", step.name()), key, value, faults);
        }
    }
}

fn look_through(place: &str, key: &str, value: &Value, faults: &mut Faults) {
    match value {
        Value::Object(fields) => fields
            .iter()
            .for_each(|(key, value)| look_through(place, key, value, faults)),
        Value::Array(items) => items
            .iter()
            .for_each(|item| look_through(place, key, item, faults)),
        Value::String(text) => {
            let key = key.to_lowercase();
            let secret = SECRET_KEYS
                .iter()
                .any(|name| key == *name || key.ends_with(&format!("_{name}")));
            // Concourse removes the value of each secret from every log.
            if (key == "username" || key.ends_with("_username")) && is_credential(text) {
                faults.add(
                    place,
                    format_args!(
                        "{key} is a secret, so that Concourse redacts its value, which may be a word, from every log: a user name belongs in vars/roster.yml"
                    ),
                );
            }
            if secret && !text.is_empty() && !is_credential(text) {
                faults.add(
                    place,
                    format_args!("{key} is a literal instead of a credential manager variable"),
                );
            }
        }
        _ => {}
    }
}

/// Whether the text is one variable of a credential manager: `((slack.webhook_url))`, `((google:token))`.
fn is_credential(text: &str) -> bool {
    let name = text
        .strip_prefix("((")
        .and_then(|rest| rest.strip_suffix("))"));
    name.is_some_and(|name| !name.contains("((") && name.contains(['.', ':']))
}

/// A job that runs code from a pull request has no access to secrets and takes its task files from elsewhere.
fn pull_request(place: &str, pipeline: &Pipeline, job: &Job, faults: &mut Faults) {
    let kind = |name: &str| {
        pipeline
            .resources
            .iter()
            .find(|it| it.name == name)
            .map(|it| it.kind.as_str())
    };
    let steps = job.all_steps();
    let Some(artifact) = steps
        .iter()
        .filter_map(|step| step.get.as_deref())
        .find(|name| kind(name) == Some("pull-request"))
    else {
        return not_on_shared_workers(place, &steps, faults);
    };
    for step in steps.iter().filter(|step| step.task.is_some()) {
        let name = step.name();
        if step.tags.as_deref() != Some(&[PULL_REQUEST_WORKERS.to_owned()]) {
            faults.add(
                place,
                format_args!(
                    "{name}: code of a pull request runs on the workers that build production (tags: [{PULL_REQUEST_WORKERS}])"
                ),
            );
        }
        if step
            .file
            .as_deref()
            .is_some_and(|file| file.starts_with(&format!("{artifact}/")))
        {
            faults.add(
                place,
                format_args!(
                    "{name}: its file comes from the pull request, which could request any secret"
                ),
            );
        }
        if step
            .params
            .iter()
            .flatten()
            .any(|(_, value)| value.to_string().contains("(("))
        {
            faults.add(
                place,
                format_args!("{name}: code of a pull request is given a variable"),
            );
        }
        if step.privileged == Some(true) {
            faults.add(
                place,
                format_args!("{name}: code of a pull request runs privileged"),
            );
        }
    }
}

/// What builds production does not run where code of pull requests has run.
fn not_on_shared_workers(place: &str, steps: &[&Step], faults: &mut Faults) {
    let tagged = steps.iter().filter(|step| {
        step.tags
            .iter()
            .flatten()
            .any(|tag| tag == PULL_REQUEST_WORKERS)
    });
    for step in tagged {
        faults.add(
            place,
            format_args!("{}: runs on the workers of pull requests", step.name()),
        );
    }
}

/// An image that is given privileges or a secret is named by digest, or lies where tags cannot be moved.
fn movable_tags(name: &str, pipeline: &Pipeline, faults: &mut Faults) {
    let fixed = |image: &Resource| {
        let repository = image.source.get("repository").and_then(Value::as_str);
        image
            .version
            .as_ref()
            .is_some_and(|version| version.get("digest").is_some())
            || repository.is_some_and(|it| IMMUTABLE.iter().any(|prefix| it.starts_with(prefix)))
    };
    for image in pipeline.resource_types.iter().filter(|image| !fixed(image)) {
        let users = pipeline.resources.iter();
        if users
            .filter(|resource| resource.kind == image.name)
            .any(|resource| holds_secret(&resource.source))
        {
            faults.add(
                name,
                format_args!(
                    "resource type {}: an image by a tag that can be moved is given secrets",
                    image.name
                ),
            );
        }
    }
    for step in pipeline
        .jobs
        .iter()
        .flat_map(Job::all_steps)
        .filter(|step| step.task.is_some())
    {
        let secret = step
            .params
            .iter()
            .flatten()
            .any(|(_, value)| holds_secret(value));
        if step.privileged != Some(true) && !secret {
            continue;
        }
        let image = step.image.as_deref();
        let image = pipeline
            .resources
            .iter()
            .find(|it| Some(it.name.as_str()) == image);
        if !image.is_some_and(fixed) {
            let given = if secret { "secrets" } else { "privileges" };
            faults.add(
                name,
                format_args!(
                    "{}: an image by a tag that can be moved is given {given}",
                    step.name()
                ),
            );
        }
    }
}

/// Credentials that push are given to what pushes alone.
fn pushing(name: &str, pipeline: &Pipeline, faults: &mut Faults) {
    let names_push = |value: &Value| value.to_string().contains("_push.");
    let steps: Vec<_> = pipeline.jobs.iter().flat_map(Job::all_steps).collect();
    for resource in pipeline.resources.iter().chain(&pipeline.resource_types) {
        let got = steps
            .iter()
            .any(|step| step.get.is_some() && step.resource() == Some(&resource.name));
        let put = steps
            .iter()
            .any(|step| step.put.is_some() && step.resource() == Some(&resource.name));
        if names_push(&resource.source) && (got || !put) {
            faults.add(
                name,
                format_args!(
                    "resource {}: is pulled with credentials that push",
                    resource.name
                ),
            );
        }
    }
    for step in steps
        .iter()
        .filter(|step| step.task.is_some() && !PUSHES.contains(&step.name()))
    {
        if step
            .params
            .iter()
            .flatten()
            .any(|(_, value)| names_push(value))
        {
            faults.add(
                name,
                format_args!("{}: is given credentials that push", step.name()),
            );
        }
    }
}

/// Whether a value, or one inside it, comes from the credential manager.
fn holds_secret(value: &Value) -> bool {
    match value {
        Value::Object(fields) => fields.values().any(holds_secret),
        Value::Array(items) => items.iter().any(holds_secret),
        Value::String(text) => is_credential(text),
        _ => false,
    }
}
