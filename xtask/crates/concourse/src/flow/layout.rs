//! A task's working folder on this machine: links to its inputs and outputs.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result};

use super::SOURCE;
use crate::concourse::{Step, Task};
use xtask::failure::{Failure, Kind};

/// The task's working directory with links to its inputs and outputs. What is below `source/` already exists there.
pub(super) fn lay_out(
    root: &Path,
    artifacts: &Path,
    folder: &Path,
    step: &Step,
    task: &Task,
) -> Result<()> {
    if folder.exists() {
        std::fs::remove_dir_all(folder)?;
    }
    std::fs::create_dir_all(folder)?;
    for input in task
        .inputs
        .iter()
        .filter(|input| !input.folder().contains('/'))
    {
        let name = mapped(step.input_mapping.as_ref(), &input.name);
        let artifact = if name == SOURCE {
            root.to_owned()
        } else {
            artifacts.join("artifacts").join(name)
        };
        if artifact.exists() {
            link(&artifact, &folder.join(input.folder()))?;
        } else if !input.optional {
            return Err(Failure::new(
                Kind::Usage,
                format!("{} has no {}", step.name(), input.name),
                "the step that produces it was skipped, and no earlier run left it",
                "start with that step (--from), or run the whole flow",
            )
            .into());
        }
    }
    for output in task
        .outputs
        .iter()
        .filter(|output| !output.folder().contains('/'))
    {
        let artifact = artifacts
            .join("artifacts")
            .join(mapped(step.output_mapping.as_ref(), &output.name));
        if artifact.exists() {
            std::fs::remove_dir_all(&artifact)?;
        }
        std::fs::create_dir_all(&artifact)?;
        link(&artifact, &folder.join(output.folder()))?;
    }
    Ok(())
}

fn link(from: &Path, to: &Path) -> Result<()> {
    let from = std::path::absolute(from)?;
    std::os::unix::fs::symlink(&from, to)
        .with_context(|| format!("cannot link {} to {}", to.display(), from.display()))
}

/// The artifact's name outside of the task.
pub(super) fn mapped(mapping: Option<&BTreeMap<String, String>>, name: &str) -> String {
    let other = mapping.and_then(|mapping| mapping.get(name));
    other.cloned().unwrap_or_else(|| name.to_owned())
}
