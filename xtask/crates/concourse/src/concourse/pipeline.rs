//! A pipeline, as parsed by `fly set-pipeline`: unknown and duplicate keys are errors.
//!
//! Only the form is checked here; `check/pipelines` checks references.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::task::{Limits, Task};

/// A whole pipeline file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Pipeline {
    #[serde(default)]
    pub(crate) groups: Vec<Group>,
    #[serde(default)]
    pub(crate) var_sources: Vec<VarSource>,
    #[serde(default)]
    pub(crate) resource_types: Vec<Resource>,
    #[serde(default)]
    pub(crate) resources: Vec<Resource>,
    pub(crate) jobs: Vec<Job>,
}

/// Jobs that are shown together.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Group {
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) jobs: Vec<String>,
}

/// A source of variables besides the server's credential manager.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct VarSource {
    pub(crate) name: String,
    #[serde(rename = "type")]
    pub(crate) kind: String,
    #[allow(dead_code, reason = "its form is defined by the credential manager")]
    pub(crate) config: Value,
}

/// A resource or a resource type.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Resource {
    pub(crate) name: String,
    #[serde(rename = "type")]
    pub(crate) kind: String,
    pub(crate) source: Value,
    pub(crate) check_every: Option<String>,
    pub(crate) check_timeout: Option<String>,
    #[allow(dead_code, reason = "only for display")]
    pub(crate) icon: Option<String>,
    pub(crate) webhook_token: Option<String>,
    pub(crate) version: Option<Value>,
}

/// The steps to run when its resources change.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Job {
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) public: bool,
    #[serde(default)]
    pub(crate) serial: bool,
    #[serde(default)]
    pub(crate) serial_groups: Vec<String>,
    pub(crate) max_in_flight: Option<u32>,
    pub(crate) build_log_retention: Option<Retention>,
    pub(crate) plan: Vec<Step>,
    pub(crate) on_success: Option<Box<Step>>,
    pub(crate) on_failure: Option<Box<Step>>,
    pub(crate) on_error: Option<Box<Step>>,
    pub(crate) on_abort: Option<Box<Step>>,
    pub(crate) ensure: Option<Box<Step>>,
}

/// The retention of a job's build logs.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Retention {
    pub(crate) days: Option<u32>,
    pub(crate) builds: Option<u32>,
    pub(crate) minimum_succeeded_builds: Option<u32>,
}

/// One step: exactly one of the kinds in `Step`, and its modifiers.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Step {
    pub(crate) get: Option<String>,
    pub(crate) put: Option<String>,
    pub(crate) task: Option<String>,
    pub(crate) set_pipeline: Option<String>,
    pub(crate) load_var: Option<String>,
    pub(crate) in_parallel: Option<Parallel>,
    #[serde(rename = "do")]
    pub(crate) sequence: Option<Vec<Step>>,
    #[serde(rename = "try")]
    pub(crate) attempt: Option<Box<Step>>,

    pub(crate) resource: Option<String>,
    pub(crate) version: Option<Value>,
    pub(crate) params: Option<BTreeMap<String, Value>>,
    pub(crate) passed: Option<Vec<String>>,
    pub(crate) trigger: Option<bool>,
    pub(crate) inputs: Option<Value>,
    pub(crate) get_params: Option<Value>,
    pub(crate) no_get: Option<bool>,
    pub(crate) privileged: Option<bool>,
    pub(crate) file: Option<String>,
    pub(crate) config: Option<Box<Task>>,
    pub(crate) container_limits: Option<Limits>,
    pub(crate) vars: Option<Value>,
    pub(crate) input_mapping: Option<BTreeMap<String, String>>,
    pub(crate) output_mapping: Option<BTreeMap<String, String>>,
    pub(crate) image: Option<String>,
    pub(crate) team: Option<String>,
    pub(crate) var_files: Option<Vec<String>>,
    pub(crate) instance_vars: Option<Value>,
    pub(crate) format: Option<String>,
    pub(crate) reveal: Option<bool>,
    pub(crate) tags: Option<Vec<String>>,

    pub(crate) timeout: Option<String>,
    pub(crate) attempts: Option<u32>,
    pub(crate) on_success: Option<Box<Step>>,
    pub(crate) on_failure: Option<Box<Step>>,
    pub(crate) on_error: Option<Box<Step>>,
    pub(crate) on_abort: Option<Box<Step>>,
    pub(crate) ensure: Option<Box<Step>>,
}

/// Parallel steps: a list, or a list with limits.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum Parallel {
    /// Only the steps.
    List(Vec<Step>),
    /// The steps with limits.
    Limited(Limited),
}

/// The long form of [`Parallel`].
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Limited {
    pub(crate) steps: Vec<Step>,
    #[allow(dead_code, reason = "any number is right")]
    pub(crate) limit: Option<u32>,
    #[allow(dead_code, reason = "either is right")]
    pub(crate) fail_fast: Option<bool>,
}

impl Parallel {
    /// The steps, in the order of the file.
    pub(crate) fn steps(&self) -> &[Step] {
        match self {
            Self::List(steps) => steps,
            Self::Limited(limited) => &limited.steps,
        }
    }
}

/// What a step does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Get,
    Put,
    Task,
    SetPipeline,
    LoadVar,
    InParallel,
    Do,
    Try,
}

/// When a hook runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hook {
    Success,
    Failure,
    Error,
    Abort,
    Ensure,
}

impl Hook {
    /// The hook's key in the file.
    pub(crate) fn key(self) -> &'static str {
        match self {
            Self::Success => "on_success",
            Self::Failure => "on_failure",
            Self::Error => "on_error",
            Self::Abort => "on_abort",
            Self::Ensure => "ensure",
        }
    }
}

impl Job {
    /// The hooks of the job.
    pub(crate) fn hooks(&self) -> [(Hook, Option<&Step>); 5] {
        [
            (Hook::Success, self.on_success.as_deref()),
            (Hook::Failure, self.on_failure.as_deref()),
            (Hook::Error, self.on_error.as_deref()),
            (Hook::Abort, self.on_abort.as_deref()),
            (Hook::Ensure, self.ensure.as_deref()),
        ]
    }

    /// Every step of the job, including hooks and nested steps.
    pub(crate) fn all_steps(&self) -> Vec<&Step> {
        let mut found = Vec::new();
        self.plan.iter().for_each(|step| step.collect(&mut found));
        self.hooks()
            .iter()
            .filter_map(|(_, step)| *step)
            .for_each(|step| step.collect(&mut found));
        found
    }
}

impl Step {
    /// The kinds in the step: anything but one is a fault.
    pub(crate) fn kinds(&self) -> Vec<Kind> {
        let named = [
            (self.get.is_some(), Kind::Get),
            (self.put.is_some(), Kind::Put),
            (self.task.is_some(), Kind::Task),
            (self.set_pipeline.is_some(), Kind::SetPipeline),
            (self.load_var.is_some(), Kind::LoadVar),
            (self.in_parallel.is_some(), Kind::InParallel),
            (self.sequence.is_some(), Kind::Do),
            (self.attempt.is_some(), Kind::Try),
        ];
        named
            .into_iter()
            .filter_map(|(there, kind)| there.then_some(kind))
            .collect()
    }

    /// The step's name, as shown in a build.
    pub(crate) fn name(&self) -> &str {
        [
            &self.get,
            &self.put,
            &self.task,
            &self.set_pipeline,
            &self.load_var,
        ]
        .into_iter()
        .find_map(|name| name.as_deref())
        .unwrap_or("steps")
    }

    /// The resource of a get or put.
    pub(crate) fn resource(&self) -> Option<&str> {
        self.get
            .as_deref()
            .or(self.put.as_deref())
            .map(|name| self.resource.as_deref().unwrap_or(name))
    }

    /// The nested steps.
    pub(crate) fn inner(&self) -> Vec<&Self> {
        let parallel = self.in_parallel.iter().flat_map(Parallel::steps);
        parallel
            .chain(self.sequence.iter().flatten())
            .chain(self.attempt.as_deref())
            .collect()
    }

    /// The hooks of the step.
    pub(crate) fn hooks(&self) -> [(Hook, Option<&Self>); 5] {
        [
            (Hook::Success, self.on_success.as_deref()),
            (Hook::Failure, self.on_failure.as_deref()),
            (Hook::Error, self.on_error.as_deref()),
            (Hook::Abort, self.on_abort.as_deref()),
            (Hook::Ensure, self.ensure.as_deref()),
        ]
    }

    /// The step itself, the steps inside it and their hooks.
    pub(crate) fn and_inner(&self) -> Vec<&Self> {
        let mut found = Vec::new();
        self.collect(&mut found);
        found
    }

    fn collect<'a>(&'a self, found: &mut Vec<&'a Self>) {
        found.push(self);
        self.inner()
            .into_iter()
            .for_each(|step| step.collect(found));
        self.hooks()
            .iter()
            .filter_map(|(_, step)| *step)
            .for_each(|step| step.collect(found));
    }
}
