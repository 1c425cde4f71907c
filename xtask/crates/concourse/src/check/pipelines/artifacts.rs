//! What one step passes to the next: files, inputs, outputs, images and parameters, followed through each job.

use std::collections::{BTreeMap, BTreeSet};

use super::Faults;
use super::files::Parsed;
use crate::concourse::{Job, Kind, Step, Task};

pub(super) fn check(parsed: &Parsed, faults: &mut Faults) {
    let mut used = BTreeSet::new();
    for (name, pipeline) in &parsed.pipelines {
        for job in &pipeline.jobs {
            let mut walk = Walk {
                parsed,
                place: format!("{name}: job {}", job.name),
                faults: &mut *faults,
                used: &mut used,
            };
            walk.job(job);
        }
    }
    for path in parsed.tasks.keys().filter(|path| !used.contains(*path)) {
        faults.add(path, "is used by no pipeline");
    }
}

/// The repository path of a file that a step refers to inside an artifact.
pub(super) fn path_in_repository(file: &str) -> Option<(&str, &str)> {
    file.split_once('/')
}

struct Walk<'a> {
    parsed: &'a Parsed,
    place: String,
    faults: &'a mut Faults,
    used: &'a mut BTreeSet<String>,
}

impl Walk<'_> {
    fn job(&mut self, job: &Job) {
        let mut artifacts = BTreeSet::new();
        for step in &job.plan {
            self.step(step, &mut artifacts);
        }
        for (_, hook) in job.hooks() {
            if let Some(step) = hook {
                self.step(step, &mut artifacts.clone());
            }
        }
    }

    fn step(&mut self, step: &Step, artifacts: &mut BTreeSet<String>) {
        match step.kinds()[..] {
            [Kind::Get] => {
                artifacts.insert(step.name().to_owned());
            }
            [Kind::Put] => self.put(step, artifacts),
            [Kind::Task] => self.task(step, artifacts),
            [Kind::SetPipeline] => self.set_pipeline(step, artifacts),
            [Kind::InParallel] => {
                let before = artifacts.clone();
                for inner in step.inner() {
                    let mut own = before.clone();
                    self.step(inner, &mut own);
                    artifacts.append(&mut own);
                }
            }
            _ => step
                .inner()
                .into_iter()
                .for_each(|inner| self.step(inner, artifacts)),
        }
        for (_, hook) in step.hooks() {
            if let Some(hook) = hook {
                self.step(hook, &mut artifacts.clone());
            }
        }
    }

    fn put(&mut self, step: &Step, artifacts: &mut BTreeSet<String>) {
        let inputs = step.inputs.as_ref().and_then(serde_json::Value::as_array);
        for input in inputs
            .into_iter()
            .flatten()
            .filter_map(serde_json::Value::as_str)
        {
            self.needs(step, "input", input, artifacts);
        }
        if step.no_get != Some(true) {
            artifacts.insert(step.name().to_owned());
        }
    }

    fn set_pipeline(&mut self, step: &Step, artifacts: &BTreeSet<String>) {
        let files = step.var_files.iter().flatten().chain(&step.file);
        for file in files {
            let Some((artifact, path)) = path_in_repository(file) else {
                self.fault(step, &format!("{file} is not in any artifact"));
                continue;
            };
            self.needs(step, "file", artifact, artifacts);
            if !std::path::Path::new(path).is_file() {
                self.fault(step, &format!("there is no file {path}"));
            }
        }
    }

    fn task(&mut self, step: &Step, artifacts: &mut BTreeSet<String>) {
        let parsed = self.parsed;
        let task = if let Some(config) = step.config.as_deref() {
            config
        } else {
            let file = step.file.as_deref().unwrap_or_default();
            let Some((artifact, path)) = path_in_repository(file) else {
                return self.fault(step, &format!("{file} is not in any artifact"));
            };
            self.needs(step, "file", artifact, artifacts);
            let Some(task) = parsed.tasks.get(path) else {
                return self.fault(step, &format!("there is no task file {path}"));
            };
            self.used.insert(path.to_owned());
            task
        };
        self.image(step, task, artifacts);
        self.parameters(step, task);
        let empty = BTreeMap::new();
        let inputs = step.input_mapping.as_ref().unwrap_or(&empty);
        let outputs = step.output_mapping.as_ref().unwrap_or(&empty);
        for input in task.inputs.iter().filter(|input| !input.optional) {
            self.needs(
                step,
                "input",
                inputs.get(&input.name).unwrap_or(&input.name),
                artifacts,
            );
        }
        for name in inputs
            .keys()
            .filter(|name| !task.inputs.iter().any(|input| input.name == **name))
        {
            self.fault(
                step,
                &format!("input_mapping names {name}, which is not an input of the task"),
            );
        }
        for name in outputs
            .keys()
            .filter(|name| !task.outputs.iter().any(|output| output.name == **name))
        {
            self.fault(
                step,
                &format!("output_mapping names {name}, which is not an output of the task"),
            );
        }
        let given = task
            .outputs
            .iter()
            .map(|output| outputs.get(&output.name).unwrap_or(&output.name).clone());
        artifacts.extend(given);
    }

    fn image(&mut self, step: &Step, task: &Task, artifacts: &BTreeSet<String>) {
        match &step.image {
            Some(image) => self.needs(step, "image", image, artifacts),
            None if task.image_resource.is_none() => self.fault(step, "has no image"),
            None => {}
        }
    }

    fn parameters(&mut self, step: &Step, task: &Task) {
        let given = step.params.iter().flatten().map(|(name, _)| name);
        let given: BTreeSet<_> = given.collect();
        for name in given
            .iter()
            .filter(|name| !task.params.contains_key(**name))
        {
            self.fault(
                step,
                &format!("parameter {name} is not a parameter of the task"),
            );
        }
        for (name, default) in &task.params {
            if default.is_none() && !given.contains(name) {
                self.fault(
                    step,
                    &format!("parameter {name} has no default and no value"),
                );
            }
        }
    }

    fn needs(&mut self, step: &Step, what: &str, artifact: &str, artifacts: &BTreeSet<String>) {
        if !artifacts.contains(artifact) {
            self.fault(
                step,
                &format!("{what}: no earlier step produces {artifact:?}"),
            );
        }
    }

    fn fault(&mut self, step: &Step, text: &str) {
        self.faults
            .add(&self.place, format_args!("{}: {text}", step.name()));
    }
}
