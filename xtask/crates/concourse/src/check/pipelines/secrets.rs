//! Secrets come from the credential manager, stand in no file, and never reach code from a pull request.

use serde_json::Value;

use super::Faults;
use super::files::Parsed;
use crate::concourse::{Job, Pipeline, Resource};

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

pub(super) fn check(parsed: &Parsed, faults: &mut Faults) {
    for (name, pipeline) in &parsed.pipelines {
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
            if secret && !text.is_empty() && !is_credential(text) {
                faults.add(
                    place,
                    format_args!("{key} is written out instead of asked of the credential manager"),
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

/// A job that runs the code of a pull request has no secret in reach, and takes its task files from elsewhere.
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
        return;
    };
    for step in steps.iter().filter(|step| step.task.is_some()) {
        let name = step.name();
        if step
            .file
            .as_deref()
            .is_some_and(|file| file.starts_with(&format!("{artifact}/")))
        {
            faults.add(
                place,
                format_args!(
                    "{name}: its file comes from the pull request, and could ask for any secret"
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
