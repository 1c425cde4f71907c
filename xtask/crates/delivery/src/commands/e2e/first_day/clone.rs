//! A clone of the last commit, in which commands run as their own processes, as for somebody who has just cloned.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result};

use crate::cluster::kubectl::Cluster;
use xtask::program::EXECUTABLE;
use xtask::run_tool::tool;

const FOLDER: &str = "target/first-day";
/// A context that no file of the repository names.
pub(super) const CONTEXT: &str = "somebody@somewhere";

/// The clone, and what its user has.
pub(super) struct Clone {
    sources: PathBuf,
    /// Kubeconfig, state, temporary files.
    home: PathBuf,
}

/// How a command ended.
pub(super) struct Ended {
    pub(super) line: String,
    pub(super) code: i32,
    /// Standard output and standard error.
    pub(super) said: String,
    pub(super) seconds: f64,
}

impl Ended {
    /// Fails unless it succeeded.
    pub(super) fn succeeded(&self) -> Result<()> {
        self.ended_with(0, "")
    }

    /// Fails unless it ended with this code and said this.
    pub(super) fn ended_with(&self, code: i32, said: &str) -> Result<()> {
        anyhow::ensure!(
            self.code == code && self.said.contains(said),
            "`{}` ended with {} instead of {code}, or did not say {said:?}; it said:\n{}",
            self.line,
            self.code,
            self.said
        );
        Ok(())
    }

    /// The line that begins so, as it was printed.
    pub(super) fn error(&self) -> &str {
        let mut lines = self.said.lines();
        lines
            .find(|line| line.starts_with("error: "))
            .unwrap_or_default()
    }
}

impl Clone {
    /// Clones the last commit. A clone of an earlier run is brought to it, and everything else in it is removed: files that did
    /// not change keep their times, so that the image's build is that of a second commit, not of a second machine.
    pub(super) fn make(cluster: &Cluster) -> Result<Self> {
        let folder = std::path::absolute(FOLDER)?;
        let clone = Self {
            sources: folder.join("clone"),
            home: folder.join("home"),
        };
        if clone.home.exists() {
            std::fs::remove_dir_all(&clone.home)
                .with_context(|| format!("cannot remove {}", clone.home.display()))?;
        }
        std::fs::create_dir_all(&clone.home)?;
        clone.check_out()?;
        clone.write_kubeconfig(cluster)?;
        Ok(clone)
    }

    fn check_out(&self) -> Result<()> {
        if !self.sources.join(".git").exists() {
            return tool("git")
                .args(["clone", "--quiet", "."])
                .arg(&self.sources)
                .run();
        }
        let head = tool("git").args(["rev-parse", "HEAD"]).quiet().output()?;
        for args in [
            ["fetch", "--quiet", "origin", "HEAD"].as_slice(),
            &["checkout", "--quiet", "--force", "--detach", head.trim()],
            &["clean", "--quiet", "-ffdx"],
        ] {
            let git = tool("git").arg("-C").arg(&self.sources);
            git.args(args).run()?;
        }
        Ok(())
    }

    /// The caller's kubeconfig of this cluster, under another name.
    fn write_kubeconfig(&self, cluster: &Cluster) -> Result<()> {
        let config = cluster
            .kubectl()
            .args(["config", "view", "--minify", "--flatten", "--output=json"])
            .quiet()
            .output()?;
        let mut config: serde_json::Value = serde_json::from_str(&config)?;
        config["contexts"][0]["name"] = CONTEXT.into();
        config["current-context"] = CONTEXT.into();
        self.write("kubeconfig", &config.to_string()).map(drop)
    }

    /// Writes a file of the user's; returns its path.
    pub(super) fn write(&self, name: &str, text: &str) -> Result<PathBuf> {
        let file = self.home.join(name);
        std::fs::write(&file, text).with_context(|| format!("cannot write {}", file.display()))?;
        Ok(file)
    }

    /// Writes a file in a new folder of the user's; returns its path.
    pub(super) fn write_below(&self, folder: &str, name: &str, text: &str) -> Result<PathBuf> {
        let folder_path = self.home.join(folder);
        if folder_path.exists() {
            std::fs::remove_dir_all(&folder_path)?;
        }
        std::fs::create_dir(&folder_path)?;
        self.write(&format!("{folder}/{name}"), text)
    }

    /// Forgets what was remembered.
    pub(super) fn forget(&self) -> Result<()> {
        let state = self.home.join("state");
        if state.exists() {
            std::fs::remove_dir_all(&state)?;
        }
        Ok(())
    }

    /// Runs a command of delivery in the clone.
    pub(super) fn run(&self, args: &[&str]) -> Result<Ended> {
        self.run_program(&std::env::current_exe()?, args, None)
    }

    /// The same with nothing but these programs on the PATH, besides those of the system.
    pub(super) fn run_with_path(&self, args: &[&str], path: &Path) -> Result<Ended> {
        self.run_program(&std::env::current_exe()?, args, Some(path))
    }

    /// Runs a command of the thin program in the clone.
    pub(super) fn run_thin(&self, args: &[&str]) -> Result<Ended> {
        let thin = std::env::var(EXECUTABLE)
            .context("run it as cargo xtask e2e first-day, which says where xtask is")?;
        self.run_program(Path::new(&thin), args, None)
    }

    fn run_program(&self, program: &Path, args: &[&str], path: Option<&Path>) -> Result<Ended> {
        let line = format!("cargo xtask {}", args.join(" "));
        printing::eprintln!("== {line}");
        let mut command = Command::new(program);
        command
            .args(args)
            .current_dir(&self.sources)
            // The root of what runs, as cargo sets it.
            .env("CARGO_MANIFEST_DIR", self.sources.join("xtask"))
            // Kept between runs: what is compiled for the image is the same.
            .env("CARGO_TARGET_DIR", self.sources.with_file_name("target"))
            .env("KUBECONFIG", self.home.join("kubeconfig"))
            .env("XDG_STATE_HOME", self.home.join("state"))
            .env_remove("ROSTER_IMAGE_REPOSITORY")
            .env_remove("ROSTER_VALUES")
            .env_remove("ROSTER_DOMAIN")
            .stdin(Stdio::null());
        if let Some(path) = path {
            command.env("PATH", path);
        }
        let begun = Instant::now();
        let output = command
            .output()
            .with_context(|| format!("cannot start {}", program.display()))?;
        let seconds = begun.elapsed().as_secs_f64();
        let said = [output.stdout, output.stderr].concat();
        let ended = Ended {
            line,
            code: output.status.code().unwrap_or(-1),
            said: String::from_utf8_lossy(&said).into_owned(),
            seconds,
        };
        printing::eprintln!("   exit code {}, {seconds:.1} s", ended.code);
        Ok(ended)
    }
}
