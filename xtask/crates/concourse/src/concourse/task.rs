//! A task's file: what it needs, what it gives, what it runs.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

/// A task, from a file of its own or from a step's `config`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Task {
    pub(crate) platform: String,
    pub(crate) image_resource: Option<Image>,
    pub(crate) container_limits: Option<Limits>,
    /// Parameters; one without a default must be given by the step.
    #[serde(default)]
    pub(crate) params: BTreeMap<String, Option<Value>>,
    #[serde(default)]
    pub(crate) inputs: Vec<Artifact>,
    #[serde(default)]
    pub(crate) outputs: Vec<Artifact>,
    #[serde(default)]
    pub(crate) caches: Vec<Cache>,
    pub(crate) run: Program,
}

/// The image of a task that brings its own.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Image {
    #[serde(rename = "type")]
    pub(crate) kind: String,
    pub(crate) source: Value,
    pub(crate) version: Option<Value>,
}

/// What a task's container may use.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Limits {
    pub(crate) cpu: Option<Value>,
    pub(crate) memory: Option<Value>,
}

/// An input or output: a folder below the one that the task starts in.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Artifact {
    pub(crate) name: String,
    path: Option<String>,
    #[serde(default)]
    pub(crate) optional: bool,
}

impl Artifact {
    /// Where it lies.
    pub(crate) fn folder(&self) -> &str {
        self.path.as_deref().unwrap_or(&self.name)
    }
}

/// A folder that outlives the build on its worker.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Cache {
    pub(crate) path: String,
}

/// The program that a task runs.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Program {
    pub(crate) path: String,
    #[serde(default)]
    pub(crate) args: Vec<String>,
}
