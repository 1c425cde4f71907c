//! One compiler: the toolchain image's tag, its Dockerfile and the workspace name the same version.

use serde_json::Value;

use super::Faults;
use super::files::{Files, Parsed};

const TAG: &str = "concourse/images/toolchain/tag";
const DOCKERFILE: &str = "concourse/images/toolchain/Dockerfile";

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
