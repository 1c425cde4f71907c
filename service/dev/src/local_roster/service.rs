//! The service as a child process: started, checked for readiness, stopped gracefully.
//!
//! The database's URL is passed in the environment, because a process list shows arguments.

use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use dev_postgres::Watchdog;
use tokio::process::Command;
use xtask::build::{Build, file_of};
use xtask::failure::{Failure, Kind};

const READY_TIMEOUT: Duration = Duration::from_secs(30);
/// A token lifetime of one day; the product's default is an hour.
const TOKEN_LIFETIME_S: &str = "86400";
const POLL: Duration = Duration::from_millis(50);

/// The running service. When this value is dropped, or if we are killed, the service gets SIGTERM and drains.
pub struct Service {
    child: Child,
    watchdog: Watchdog,
    program: PathBuf,
    address: String,
    admin_address: String,
}

/// Names the service's binary to `roster-dev` when the same call of cargo has built both.
const BUILT: &str = "ROSTER_DEV_PROGRAM";

/// Builds the service and gives its binary. It shares its dependencies with the tests: features are those of the whole
/// workspace.
pub fn build(release: bool) -> Result<PathBuf> {
    if let (false, Some(built)) = (release, std::env::var_os(BUILT)) {
        return Ok(built.into());
    }
    let mut build = Build::binaries(&["roster"]);
    if release {
        build = build.arg("--release");
    }
    file_of(&build.run()?, "roster")
}

/// Migrates the schema.
pub async fn migrate(program: &Path, database_url: &str) -> Result<()> {
    let status = Command::new(program)
        .arg("migrate")
        .env("ROSTER_DATABASE_URL", database_url)
        .stdout(std::io::stderr())
        .kill_on_drop(true)
        .status()
        .await
        .with_context(|| format!("cannot start {}", program.display()))?;
    if status.success() {
        return Ok(());
    }
    let why = format!("it exited with {status}; its output is above");
    let next = "fix service/migrations; --fresh discards the data of an unfinished migration";
    Err(Failure::new(Kind::Check, "roster migrate failed", why, next).into())
}

impl Service {
    /// Starts the service with further `flags`; its log goes to `log`. Without token keys, authentication is disabled.
    pub fn start(
        program: &Path,
        database_url: &str,
        port: u16,
        admin_port: u16,
        keys_file: Option<&Path>,
        flags: &[String],
        log: Stdio,
    ) -> Result<Self> {
        let (address, admin_address) = (
            format!("127.0.0.1:{port}"),
            format!("127.0.0.1:{admin_port}"),
        );
        let mut command = std::process::Command::new(program);
        command.args([
            "serve",
            "--listen",
            &address,
            "--admin-listen",
            &admin_address,
        ]);
        match keys_file {
            Some(file) => command
                .args(["--token-lifetime-s", TOKEN_LIFETIME_S, "--token-keys-file"])
                .arg(file),
            None => command.args(["--auth", "disabled"]),
        };
        command
            .args(flags)
            .env("ROSTER_DATABASE_URL", database_url)
            .stdin(Stdio::null())
            .stdout(log);
        // We handle Ctrl-C and stop the service ourselves.
        command.process_group(0);
        let child = command
            .spawn()
            .with_context(|| format!("cannot start {}", program.display()))?;
        let watchdog = Watchdog::terminate(child.id()).context("cannot start a shell")?;
        Ok(Self {
            child,
            watchdog,
            program: program.to_path_buf(),
            address,
            admin_address,
        })
    }

    /// The URL for clients.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The URL of the admin listener.
    pub fn admin_url(&self) -> String {
        format!("http://{}", self.admin_address)
    }

    /// Polls the readiness probe until the service is ready.
    pub async fn wait_until_ready(&mut self) -> Result<()> {
        let begun = Instant::now();
        loop {
            let asked = Command::new(&self.program)
                .arg("healthcheck")
                .env("ROSTER_ADMIN_LISTEN", &self.admin_address)
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .kill_on_drop(true)
                .status()
                .await?;
            if asked.success() {
                return Ok(());
            }
            self.fail_when_ended()?;
            if begun.elapsed() > READY_TIMEOUT {
                let what = format!(
                    "the service is not ready {} s after its start",
                    READY_TIMEOUT.as_secs()
                );
                let next = format!("check its log above and {}/readyz", self.admin_url());
                return Err(Failure::new(
                    Kind::Unreachable,
                    what,
                    "its readiness probe fails",
                    next,
                )
                .into());
            }
            tokio::time::sleep(POLL).await;
        }
    }

    /// Returns only if the service exits by itself, which is an error.
    pub async fn wait(&mut self) -> Result<()> {
        loop {
            self.fail_when_ended()?;
            tokio::time::sleep(POLL).await;
        }
    }

    fn fail_when_ended(&mut self) -> Result<()> {
        let Some(status) = self.child.try_wait()? else {
            return Ok(());
        };
        let why = format!("it exited with {status}; its log is above");
        Err(Failure::new(
            Kind::Check,
            "the service exited unexpectedly",
            why,
            "fix the problem in its log",
        )
        .into())
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            self.watchdog.release();
            let _ = self.child.wait();
        } else {
            self.watchdog.dismiss();
        }
    }
}
