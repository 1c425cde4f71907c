//! A task as a worker runs it: in a root file system, with its declared inputs, outputs, caches and parameters, and nothing
//! else of this machine but its network.
//!
//! The sources are a fresh clone of the last commit for each job, copied for each task. The root file system is not
//! changed: what a task writes outside of its folders is dropped.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use super::SOURCE;
use super::layout::mapped;
use crate::concourse::{Job, Step, Task};
use xtask::failure::{Failure, Kind};
use xtask::run_tool::tool;

/// The variables of the toolchain image: those of the image that it starts from, and the Dockerfile's.
const ENVIRONMENT: &[(&str, &str)] = &[
    (
        "PATH",
        "/usr/local/go/bin:/usr/local/cargo/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    ),
    ("HOME", "/root"),
    ("USER", "root"),
    ("CARGO_HOME", "/usr/local/cargo"),
    ("RUSTUP_HOME", "/usr/local/rustup"),
    ("GOPROXY", "https://proxy.golang.org,direct"),
    ("GOSUMDB", "sum.golang.org"),
];

/// Mounts the root file system with a layer of its own above it, binds the folders into it, and starts the program there.
/// Arguments: root, scratch, working folder, program, then pairs of a folder and its place.
const SCRIPT: &str = r#"set -eu
root=$1 scratch=$2 inside=$3 program=$4
shift 4
mkdir -p "$scratch/upper" "$scratch/work" "$scratch/root"
mount -t overlay -o "lowerdir=$root,upperdir=$scratch/upper,workdir=$scratch/work" overlay "$scratch/root"
while [ $# -gt 0 ]; do
    mkdir -p "$scratch/root$2"
    mount --bind "$1" "$scratch/root$2"
    shift 2
done
mount -t proc proc "$scratch/root/proc"
mount --rbind /dev "$scratch/root/dev"
cp /etc/resolv.conf "$scratch/root/etc/resolv.conf"
exec chroot "$scratch/root" /bin/sh -c 'cd "$0" && exec "$1"' "$inside" "$program"
"#;

/// Where a task runs and what it gets.
pub(super) struct Isolated<'a> {
    pub(super) root_file_system: &'a Path,
    /// The repository.
    pub(super) repository: &'a Path,
    /// The folder of the flow, which also keeps the caches.
    pub(super) work: &'a Path,
}

impl Isolated<'_> {
    /// The command, with only the image's variables; `folder` is the task's own.
    pub(super) fn command(
        &self,
        job: &Job,
        step: &Step,
        task: &Task,
        folder: &Path,
    ) -> Result<Command> {
        if folder.exists() {
            std::fs::remove_dir_all(folder)?;
        }
        let mounts = self.mounts(job, step, task, folder)?;
        // Concourse names this folder by a hash of the step's name: it is the same in each build.
        let inside = format!("/tmp/build/{}", step.name());
        let mut command = Command::new("/usr/bin/unshare");
        command
            .args(["--mount", "--pid", "--fork", "--kill-child"])
            .args(["/bin/bash", "-c", SCRIPT, "isolated"])
            .args([self.root_file_system, &folder.join("scratch")])
            .args([&inside, &task.run.path]);
        for (from, to) in &mounts {
            command.arg(from).arg(format!("{inside}/{to}"));
        }
        command
            .env_clear()
            .envs(ENVIRONMENT.iter().copied())
            .current_dir("/");
        Ok(command)
    }

    /// Folders of this machine and their places below the working folder, outer ones first.
    fn mounts(
        &self,
        job: &Job,
        step: &Step,
        task: &Task,
        folder: &Path,
    ) -> Result<Vec<(PathBuf, String)>> {
        let of_job = self.work.join(&job.name);
        let artifacts = of_job.join("artifacts");
        let mut mounts = Vec::new();
        for input in &task.inputs {
            let name = mapped(step.input_mapping.as_ref(), &input.name);
            let artifact = if name == SOURCE {
                self.sources(&of_job)?
            } else {
                artifacts.join(&name)
            };
            if artifact.exists() {
                // A task changes its copy.
                let copy = folder.join("inputs").join(&input.name);
                copy_folder(&artifact, &copy)?;
                mounts.push((copy, input.folder().to_owned()));
            } else if !input.optional {
                return Err(Failure::new(
                    Kind::Usage,
                    format!("{} has no {name}", step.name()),
                    "the step that produces it was skipped, and no earlier run left it",
                    "start with that step (--from), or run the whole flow",
                )
                .into());
            }
        }
        for output in &task.outputs {
            let artifact = artifacts.join(mapped(step.output_mapping.as_ref(), &output.name));
            if artifact.exists() {
                std::fs::remove_dir_all(&artifact)?;
            }
            mounts.push((artifact, output.folder().to_owned()));
        }
        // As on a worker: one for each job, step and path.
        for cache in &task.caches {
            let name = format!("{}.{}.{}", job.name, step.name(), cache.path);
            mounts.push((self.work.join("caches").join(name), cache.path.clone()));
        }
        for (from, _) in &mounts {
            std::fs::create_dir_all(from)
                .with_context(|| format!("cannot make {}", from.display()))?;
        }
        mounts.sort_by_key(|(_, to)| to.matches('/').count());
        Ok(mounts)
    }

    /// The clone of the last commit, which a job's first task makes.
    fn sources(&self, of_job: &Path) -> Result<PathBuf> {
        let clone = of_job.join(SOURCE);
        if !clone.exists() {
            tool("git")
                .args(["clone", "--quiet", "--no-local"])
                .arg(self.repository)
                .arg(&clone)
                .quiet()
                .output()?;
        }
        Ok(clone)
    }
}

fn copy_folder(from: &Path, to: &Path) -> Result<()> {
    let parent = to.parent().context("a folder without a parent")?;
    std::fs::create_dir_all(parent)?;
    tool("cp")
        .args(["--archive", "--no-target-directory"])
        .args([from, to])
        .quiet()
        .output()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::Isolated;
    use crate::concourse::{Job, Task};

    #[test]
    fn a_task_gets_its_declared_folders_and_one_cache_for_each_job_step_and_path() {
        let work = std::env::temp_dir().join(format!("roster-isolated-{}", std::process::id()));
        let artifacts = work.join("image/artifacts");
        std::fs::create_dir_all(artifacts.join("built")).expect("a folder");
        std::fs::create_dir_all(artifacts.join("undeclared")).expect("a folder");
        std::fs::create_dir_all(work.join("image/source")).expect("a folder");
        let job: Job = serde_saphyr::from_str(
            "{name: image, plan: [{task: push, file: source/push.yml, input_mapping: {made: built}}]}",
        )
        .expect("a job");
        let task: Task = serde_saphyr::from_str(
            "{platform: linux, inputs: [{name: made, path: source/target}, {name: source}, {name: rare, optional: true}], outputs: [{name: log}], caches: [{path: home}], run: {path: x}}",
        )
        .expect("a task");
        let isolated = Isolated {
            root_file_system: Path::new("/nowhere"),
            repository: Path::new("."),
            work: &work,
        };
        let mounts = isolated
            .mounts(&job, &job.plan[0], &task, &work.join("image/01-push"))
            .expect("are found");
        let all_exist = mounts.iter().all(|(from, _)| from.is_dir());
        std::fs::remove_dir_all(&work).expect("is removed");
        let places: Vec<_> = mounts.iter().map(|(_, to)| to.as_str()).collect();
        assert_eq!(places, ["source", "log", "home", "source/target"]);
        assert!(
            all_exist && mounts[2].0.ends_with("caches/image.push.home"),
            "{mounts:?}"
        );
    }
}
