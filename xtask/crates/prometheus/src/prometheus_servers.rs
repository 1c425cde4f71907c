//! Real Prometheus and Alertmanager processes on free loopback ports, with data in a temporary directory. They are
//! stopped on drop. Must not know what they monitor: the caller passes the configuration.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde_json::Value;
use tempfile::TempDir;

use xtask::failure::{Failure, Kind};
use xtask::interrupt;
use xtask::tools;

/// Start timeout of a server.
const START_LIMIT: Duration = Duration::from_secs(30);

/// A running server.
pub(crate) struct Server {
    child: Child,
    name: &'static str,
    address: String,
    folder: TempDir,
}

impl Server {
    /// Starts Prometheus, this program or else the one that is found, with this configuration; each of `files` (name,
    /// text) is written to the same directory.
    pub(crate) fn prometheus(
        program: Option<&Path>,
        configuration: &str,
        files: &[(&str, &str)],
    ) -> Result<Self> {
        Self::start(
            "prometheus",
            program.map_or_else(|| tools::path("prometheus"), |path| Some(path.to_owned())),
            configuration,
            files,
            |folder, address| {
                vec![
                    format!("--config.file={}", folder.join("config.yaml").display()),
                    format!("--storage.tsdb.path={}", folder.join("data").display()),
                    format!("--web.listen-address={address}"),
                    "--log.level=warn".to_owned(),
                ]
            },
        )
    }

    /// Starts Alertmanager with this configuration; each of `files` (name, text) is written to the same directory.
    pub(crate) fn alertmanager(configuration: &str, files: &[(&str, &str)]) -> Result<Self> {
        // Debian uses another name for the program.
        let names = ["alertmanager", "prometheus-alertmanager"];
        Self::start(
            "alertmanager",
            names.iter().find_map(|name| tools::path(name)),
            configuration,
            files,
            |folder, address| {
                vec![
                    format!("--config.file={}", folder.join("config.yaml").display()),
                    format!("--storage.path={}", folder.join("data").display()),
                    format!("--web.listen-address={address}"),
                    "--cluster.listen-address=".to_owned(),
                    "--log.level=warn".to_owned(),
                ]
            },
        )
    }

    fn start(
        name: &'static str,
        program: Option<PathBuf>,
        configuration: &str,
        files: &[(&str, &str)],
        arguments: impl Fn(&Path, &str) -> Vec<String>,
    ) -> Result<Self> {
        let program = program.ok_or_else(|| tools::missing(name))?;
        let folder = tempfile::tempdir().context("cannot make a temporary folder")?;
        // Files refer to each other with `{folder}`, which is known only now.
        let here = folder.path().display().to_string();
        for (file, text) in files
            .iter()
            .copied()
            .chain([("config.yaml", configuration)])
        {
            fs::write(folder.path().join(file), text.replace("{folder}", &here))
                .context("cannot write a configuration")?;
        }
        let address = format!("127.0.0.1:{}", roster_dev::free_port()?);
        let log = File::create(folder.path().join("log")).context("cannot write a log")?;
        let child = Command::new(&program)
            .args(arguments(folder.path(), &address))
            .stdin(Stdio::null())
            .stdout(log.try_clone().context("cannot share a log")?)
            .stderr(log)
            .spawn()
            .with_context(|| format!("cannot start {}", program.display()))?;
        let mut server = Self {
            child,
            name,
            address,
            folder,
        };
        server.wait_until_ready()?;
        Ok(server)
    }

    fn wait_until_ready(&mut self) -> Result<()> {
        let begun = Instant::now();
        let agent = http_client::agent(Duration::from_secs(1));
        loop {
            let ended = self
                .child
                .try_wait()
                .context("cannot query a child's state")?;
            if ended.is_some() || begun.elapsed() > START_LIMIT || interrupt::requested() {
                let what = format!("{} did not become ready", self.name);
                return Err(Failure::new(
                    Kind::Check,
                    what,
                    self.last_words(),
                    "its configuration is invalid, or the port was taken: try again",
                )
                .into());
            }
            let ready = agent
                .get(self.url("/-/ready"))
                .call()
                .is_ok_and(|answer| answer.status() == 200);
            if ready {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    fn last_words(&self) -> String {
        let log = fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(10)..].join("\n")
    }

    /// Its address, host and port.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// The URL of a path.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The version that Prometheus reports.
    pub(crate) fn version(&self) -> Result<String> {
        let answer = self.ask("/api/v1/status/buildinfo", &[])?;
        let version = answer["data"]["version"].as_str();
        Ok(version.context("no version in buildinfo")?.to_owned())
    }

    /// Queries its API; returns the JSON response.
    pub(crate) fn ask(&self, path: &str, parameters: &[(&str, &str)]) -> Result<Value> {
        let agent = http_client::agent(Duration::from_secs(30));
        let mut request = agent.get(self.url(path));
        for (name, value) in parameters {
            request = request.query(name, value);
        }
        let mut answer = request
            .call()
            .with_context(|| format!("{} does not respond", self.name))?;
        let status = answer.status();
        let body = answer
            .body_mut()
            .read_to_string()
            .with_context(|| format!("{} broke off", self.name))?;
        anyhow::ensure!(status == 200, "{} returned {status}: {body}", self.name);
        serde_json::from_str(&body).with_context(|| format!("{} did not return JSON", self.name))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Its data is removed with its directory, so it has nothing to save.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
