//! One compiler: the toolchain image's tag, its Dockerfile and the workspace name the same version. And the notifier is in
//! that image, not built by the task that runs it.

use serde_json::Value;

use super::Faults;
use super::files::{Files, Parsed};

const TAG: &str = "concourse/images/toolchain/tag";
const DOCKERFILE: &str = "concourse/images/toolchain/Dockerfile";
/// The notifier's path in the image.
const NOTIFIER: &str = "/usr/local/lib/roster/notifier";
const TELL_SLACK: &str = "concourse/tasks/tell-slack/task.yml";
const TELL_SLACK_RUN: &str = "concourse/tasks/tell-slack/run.sh";

pub(super) fn check(parsed: &Parsed, files: &Files, faults: &mut Faults) {
    let Some(tag) = files.text(TAG).map(str::trim) else {
        return faults.add(TAG, "is not there");
    };
    let version = tag.split('-').next().unwrap_or_default();
    let minimum = env!("CARGO_PKG_RUST_VERSION");
    if !version.starts_with(minimum) {
        faults.add(
            TAG,
            format_args!("{version} is not the workspace's rust-version, {minimum}"),
        );
    }
    let dockerfile = files.text(DOCKERFILE).unwrap_or_default();
    if !dockerfile
        .lines()
        .any(|line| line == format!("ARG RUST_VERSION={version}"))
    {
        faults.add(
            DOCKERFILE,
            format_args!("RUST_VERSION is not {version}, as {TAG} says"),
        );
    }
    for image in dockerfile
        .lines()
        .filter_map(|line| line.strip_prefix("FROM "))
    {
        if !image.contains('@') && !is_of_a_stated_version(image, dockerfile) {
            faults.add(DOCKERFILE, format_args!("{image} is not pinned"));
        }
    }
    notifier(parsed, files, faults);
    for (name, pipeline) in &parsed.pipelines {
        for resource in pipeline
            .resources
            .iter()
            .filter(|resource| resource.name == "toolchain")
        {
            let used = resource
                .source
                .get("tag")
                .and_then(Value::as_str)
                .unwrap_or("latest");
            if used != tag {
                faults.add(
                    name,
                    format_args!("the toolchain's tag is {used}, but {TAG} says {tag}"),
                );
            }
        }
    }
}

/// The image has the notifier, and the task runs that: a notifier that is built from the commit is silent when the commit
/// breaks what it is built from, and takes minutes.
fn notifier(parsed: &Parsed, files: &Files, faults: &mut Faults) {
    let dockerfile = files.text(DOCKERFILE).unwrap_or_default();
    for file in [NOTIFIER.to_owned(), format!("{NOTIFIER}.sources")] {
        let written = |line: &str| {
            line.trim_end_matches([' ', '\\'])
                .strip_suffix(file.as_str())
                .is_some_and(|before| before.ends_with([' ', '>']))
        };
        if !dockerfile.lines().any(written) {
            faults.add(DOCKERFILE, format_args!("does not write {file}"));
        }
    }
    let script = files.text(TELL_SLACK_RUN).unwrap_or_default();
    if !script.contains(&format!(":-{NOTIFIER}}}")) {
        faults.add(
            TELL_SLACK_RUN,
            format_args!("does not run {NOTIFIER}, the notifier of the toolchain image"),
        );
    }
    if parsed
        .tasks
        .get(TELL_SLACK)
        .is_some_and(|task| !task.caches.is_empty())
    {
        faults.add(
            TELL_SLACK,
            "has a cache: the notifier is in the image, and compiles nothing",
        );
    }
}

/// Whether its tag is a whole version that an `ARG` of the file states: `image:${GO_VERSION}-trixie`.
fn is_of_a_stated_version(image: &str, dockerfile: &str) -> bool {
    let name = image
        .split_once(":${")
        .and_then(|(_, rest)| rest.split_once('}'))
        .map(|(name, _)| name);
    name.is_some_and(|name| {
        let stated = dockerfile
            .lines()
            .find_map(|line| line.strip_prefix(&format!("ARG {name}=")));
        stated.is_some_and(|version| {
            version.split('.').count() == 3
                && version
                    .split('.')
                    .all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()))
        })
    })
}
