//! A task's file: inputs, outputs, command.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

/// A task, from its file or from a step's `config`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Task {
    pub(crate) platform: String,
    pub(crate) image_resource: Option<Image>,
    pub(crate) container_limits: Option<Limits>,
    /// Parameters; the step must set those without a default.
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

/// The task's own image, if any.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Image {
    #[serde(rename = "type")]
    pub(crate) kind: String,
    pub(crate) source: Value,
    pub(crate) version: Option<Value>,
}

/// The limits of a task's container.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Limits {
    pub(crate) cpu: Option<Value>,
    pub(crate) memory: Option<Value>,
}

/// An input or output: a directory below the task's working directory.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Artifact {
    pub(crate) name: String,
    path: Option<String>,
    #[serde(default)]
    pub(crate) optional: bool,
}

impl Artifact {
    pub(crate) fn folder(&self) -> &str {
        self.path.as_deref().unwrap_or(&self.name)
    }
}

/// A directory that outlives the build on its worker.
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
