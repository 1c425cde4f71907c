//! The files below `concourse/`, in memory, so that a test can change one and run the checks.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use anyhow::{Context, Result};

use super::Faults;
use crate::concourse::{Pipeline, Task};

/// Whose review a change needs; it guards what the pipelines run.
pub(super) const CODEOWNERS: &str = ".github/CODEOWNERS";

/// One file.
#[derive(Clone)]
pub(super) struct File {
    pub(super) text: String,
    pub(super) executable: bool,
}

/// Every file, by its path from the repository's root.
#[derive(Clone)]
pub(super) struct Files(pub(super) BTreeMap<String, File>);

/// The pipelines and tasks as data; pipelines by name (`develop`), tasks by path (`concourse/tasks/x/task.yml`).
pub(super) struct Parsed {
    pub(super) pipelines: BTreeMap<String, Pipeline>,
    pub(super) tasks: BTreeMap<String, Task>,
}

impl Files {
    pub(super) fn read(folder: &str) -> Result<Self> {
        let mut files = BTreeMap::new();
        read_folder(Path::new(folder), &mut files)?;
        let owners = Path::new(CODEOWNERS);
        if owners.is_file() {
            read_file(owners, &mut files)?;
        }
        Ok(Self(files))
    }

    pub(super) fn text(&self, path: &str) -> Option<&str> {
        self.0.get(path).map(|file| file.text.as_str())
    }

    pub(super) fn pipelines(&self) -> impl Iterator<Item = (&str, &str)> {
        self.below("concourse/pipelines/", ".yml")
    }

    pub(super) fn tasks(&self) -> impl Iterator<Item = (&str, &str)> {
        self.below("concourse/tasks/", "/task.yml")
    }

    fn below<'a>(
        &'a self,
        folder: &'a str,
        end: &'a str,
    ) -> impl Iterator<Item = (&'a str, &'a str)> {
        let files = self
            .0
            .iter()
            .map(|(path, file)| (path.as_str(), file.text.as_str()));
        files.filter(move |(path, _)| path.starts_with(folder) && path.ends_with(end))
    }

    /// All files as data, or `None` if one cannot be parsed.
    pub(super) fn parse(&self, faults: &mut Faults) -> Option<Parsed> {
        let mut parsed = Parsed {
            pipelines: BTreeMap::new(),
            tasks: BTreeMap::new(),
        };
        for (path, text) in self.pipelines() {
            match serde_saphyr::from_str(text) {
                Ok(pipeline) => {
                    parsed
                        .pipelines
                        .insert(pipeline_name(path).to_owned(), pipeline);
                }
                Err(error) => faults.add(path, error),
            }
        }
        for (path, text) in self.tasks() {
            match serde_saphyr::from_str(text) {
                Ok(task) => {
                    parsed.tasks.insert(path.to_owned(), task);
                }
                Err(error) => faults.add(path, error),
            }
        }
        if parsed.pipelines.is_empty() {
            faults.add("concourse/pipelines", "there is no pipeline");
        }
        faults.0.is_empty().then_some(parsed)
    }
}

fn pipeline_name(path: &str) -> &str {
    path.rsplit('/')
        .next()
        .and_then(|name| name.strip_suffix(".yml"))
        .unwrap_or(path)
}

fn read_folder(folder: &Path, files: &mut BTreeMap<String, File>) -> Result<()> {
    let entries =
        std::fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))?;
    for entry in entries {
        let path = entry?.path();
        if path.is_dir() {
            read_folder(&path, files)?;
            continue;
        }
        read_file(&path, files)?;
    }
    Ok(())
}

fn read_file(path: &Path, files: &mut BTreeMap<String, File>) -> Result<()> {
    let text =
        std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let executable = path.metadata()?.permissions().mode() & 0o111 != 0;
    files.insert(
        path.to_string_lossy().into_owned(),
        File { text, executable },
    );
    Ok(())
}
