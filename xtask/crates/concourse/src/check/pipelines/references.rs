//! References: resources, resource types, jobs in `passed` and in groups.

use std::collections::BTreeSet;

use super::Faults;
use super::files::Parsed;
use crate::concourse::{Job, Pipeline};

/// The resource types built into every worker.
const BUILT_IN: &[&str] = &[
    "git",
    "registry-image",
    "time",
    "s3",
    "semver",
    "github-release",
    "mock",
    "hg",
    "bosh-io-release",
];

pub(super) fn check(parsed: &Parsed, faults: &mut Faults) {
    for (name, pipeline) in &parsed.pipelines {
        resources(name, pipeline, faults);
        groups(name, pipeline, faults);
        for job in &pipeline.jobs {
            steps(&format!("{name}: job {}", job.name), job, pipeline, faults);
        }
    }
}

fn resources(name: &str, pipeline: &Pipeline, faults: &mut Faults) {
    let types: BTreeSet<_> = pipeline
        .resource_types
        .iter()
        .map(|it| it.name.as_str())
        .collect();
    let used: BTreeSet<_> = pipeline
        .jobs
        .iter()
        .flat_map(Job::all_steps)
        .filter_map(|step| step.resource())
        .collect();
    for resource in &pipeline.resources {
        if !types.contains(resource.kind.as_str()) && !BUILT_IN.contains(&resource.kind.as_str()) {
            faults.add(
                name,
                format_args!(
                    "resource {}: no resource type {:?}",
                    resource.name, resource.kind
                ),
            );
        }
        if !used.contains(resource.name.as_str()) {
            faults.add(
                name,
                format_args!("resource {} is used by no job", resource.name),
            );
        }
    }
    let wanted: BTreeSet<_> = pipeline
        .resources
        .iter()
        .map(|it| it.kind.as_str())
        .collect();
    for unused in types.iter().filter(|kind| !wanted.contains(**kind)) {
        faults.add(
            name,
            format_args!("resource type {unused} is used by no resource"),
        );
    }
}

fn groups(name: &str, pipeline: &Pipeline, faults: &mut Faults) {
    let known: BTreeSet<_> = pipeline.jobs.iter().map(|job| job.name.as_str()).collect();
    let grouped: BTreeSet<_> = pipeline
        .groups
        .iter()
        .flat_map(|group| &group.jobs)
        .map(String::as_str)
        .collect();
    for job in grouped.difference(&known) {
        faults.add(
            name,
            format_args!("a group names the job {job}, which does not exist"),
        );
    }
    if !pipeline.groups.is_empty() {
        for job in known.difference(&grouped) {
            faults.add(
                name,
                format_args!("job {job} is in no group and would not be shown"),
            );
        }
    }
}

fn steps(place: &str, job: &Job, pipeline: &Pipeline, faults: &mut Faults) {
    for step in job.all_steps() {
        let Some(resource) = step.resource() else {
            continue;
        };
        if !pipeline
            .resources
            .iter()
            .any(|known| known.name == resource)
        {
            faults.add(
                place,
                format_args!("{}: no resource {resource:?}", step.name()),
            );
        }
        for passed in step.passed.iter().flatten() {
            let Some(earlier) = pipeline.jobs.iter().find(|job| job.name == *passed) else {
                faults.add(
                    place,
                    format_args!(
                        "{}: passed names the job {passed}, which does not exist",
                        step.name()
                    ),
                );
                continue;
            };
            if !earlier
                .all_steps()
                .iter()
                .any(|step| step.resource() == Some(resource))
            {
                faults.add(
                    place,
                    format_args!(
                        "{}: passed: job {passed} does not use {resource}",
                        step.name()
                    ),
                );
            }
        }
    }
}
