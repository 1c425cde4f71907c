//! A real Roster for monitoring tests: two replicas under a steady load, on a private PostgreSQL behind a relay that
//! can be cut, or on a given database. Dropping the value stops everything. Must not know who observes it.

mod load;
mod relay;

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use dev_postgres::{Database, DevPostgres, Options};
use tempfile::TempDir;

use load::Load;
use relay::Relay;
use roster_dev::free_port;
use roster_dev::local_roster::service;
use roster_dev::postgres;
use xtask::failure::{Failure, Kind};
use xtask::interrupt;
use xtask::run_tool::tool;

/// Start timeout of a replica.
const START_LIMIT: Duration = Duration::from_secs(30);

/// Two replicas, their database and their load.
pub struct WatchedRoster {
    // In the order in which they must be dropped.
    load: Load,
    replicas: Vec<Replica>,
    own: Option<OwnDatabase>,
    program: PathBuf,
    folder: TempDir,
    url: String,
}

/// A private database behind a relay.
struct OwnDatabase {
    relay: Relay,
    _database: Database,
    _postgres: DevPostgres,
    _runtime: tokio::runtime::Runtime,
}

struct Replica {
    child: Child,
    port: u16,
    admin_port: u16,
}

impl WatchedRoster {
    /// Builds Roster, starts everything, and waits until every replica is ready.
    pub fn start() -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()?;
        let (server, database) = runtime.block_on(async {
            let options = Options::for_tests().map_err(postgres::failure)?;
            let server = postgres::find_or_start(options).await?;
            let database = server
                .create_database("watched")
                .await
                .map_err(postgres::failure)?;
            anyhow::Ok((server, database))
        })?;
        printing::eprintln!("postgres: {}", server.source());
        let relay = Relay::start(database.url())?;
        let url = relay.url().to_owned();
        let mut this = Self::start_on(&url)?;
        this.own = Some(OwnDatabase {
            relay,
            _database: database,
            _postgres: server,
            _runtime: runtime,
        });
        Ok(this)
    }

    /// Builds Roster, migrates this database, and starts two replicas and their load on it.
    pub fn start_on(url: &str) -> Result<Self> {
        let program = service::build(false)?;
        let folder = tempfile::tempdir().context("cannot make a temporary folder")?;
        tool(program.display().to_string())
            .arg("migrate")
            .secret_env("ROSTER_DATABASE_URL", url)
            .output()?;
        let mut replicas = Vec::new();
        for number in 1..=2 {
            let (port, admin_port) = (free_port()?, free_port()?);
            replicas.push(Replica::start(
                &program,
                &folder,
                number,
                url,
                (port, admin_port),
            )?);
        }
        let targets = replicas
            .iter()
            .map(|replica| format!("http://127.0.0.1:{}", replica.port))
            .collect();
        Ok(Self {
            load: Load::start(targets),
            replicas,
            own: None,
            program,
            folder,
            url: url.to_owned(),
        })
    }

    /// The scrape targets.
    pub fn metrics_targets(&self) -> Vec<String> {
        self.replicas
            .iter()
            .map(|replica| format!("127.0.0.1:{}", replica.admin_port))
            .collect()
    }

    /// Cuts the replicas off from the database.
    pub fn cut_database(&self) {
        if let Some(own) = &self.own {
            own.relay.cut();
        }
    }

    /// Reconnects the database.
    pub fn restore_database(&self) {
        if let Some(own) = &self.own {
            own.relay.restore();
        }
    }

    /// Replaces one replica as a rollout does, at the same addresses.
    pub fn restart_replica(&mut self) -> Result<()> {
        let Some(old) = self.replicas.pop() else {
            return Ok(());
        };
        let ports = (old.port, old.admin_port);
        drop(old);
        self.replicas.push(Replica::start(
            &self.program,
            &self.folder,
            2,
            &self.url,
            ports,
        )?);
        Ok(())
    }

    /// Successful and failed requests since the start.
    pub fn answered(&self) -> (u64, u64) {
        self.load.answered()
    }

    /// The number of failed calls by status; 0 means no response.
    pub fn failures(&self) -> BTreeMap<u16, u64> {
        self.load.failures()
    }

    /// Stops the load; the replicas keep running.
    pub fn stop_load(&mut self) {
        self.load.stop();
    }

    /// Stops the load and reads every acknowledged, undeleted user; returns how many must exist and how many are
    /// missing.
    pub fn lost(&mut self) -> Result<(usize, usize)> {
        self.load.stop();
        let created = self.load.created();
        let agent = http_client::agent(Duration::from_secs(5));
        let mut lost = 0;
        for id in &created {
            let url = format!("http://127.0.0.1:{}/v1/users/{id}", self.replicas[0].port);
            let status = agent
                .get(url)
                .call()
                .context("no answer")?
                .status()
                .as_u16();
            anyhow::ensure!(status == 200 || status == 404, "GET {id} returned {status}");
            lost += usize::from(status == 404);
        }
        Ok((created.len(), lost))
    }

    /// The first replica's address.
    pub fn address(&self) -> String {
        format!("http://127.0.0.1:{}", self.replicas[0].port)
    }
}

impl Replica {
    fn start(
        program: &Path,
        folder: &TempDir,
        number: u32,
        url: &str,
        (port, admin_port): (u16, u16),
    ) -> Result<Self> {
        let log = File::create(folder.path().join(format!("replica-{number}.log")))
            .context("cannot write a log")?;
        let child = Command::new(program)
            .args(["serve", "--log-format", "json"])
            .args([
                "--listen",
                &format!("127.0.0.1:{port}"),
                "--admin-listen",
                &format!("127.0.0.1:{admin_port}"),
            ])
            .env("ROSTER_DATABASE_URL", url)
            // Authentication is not part of these tests.
            .env("ROSTER_AUTH", "disabled")
            .stdin(Stdio::null())
            .stdout(log.try_clone().context("cannot share a log")?)
            .stderr(log)
            .spawn()
            .context("cannot start roster")?;
        let mut replica = Self {
            child,
            port,
            admin_port,
        };
        replica.wait_until_ready(folder, number)?;
        Ok(replica)
    }

    fn wait_until_ready(&mut self, folder: &TempDir, number: u32) -> Result<()> {
        let begun = Instant::now();
        let agent = http_client::agent(Duration::from_secs(2));
        let url = format!("http://127.0.0.1:{}/readyz", self.admin_port);
        loop {
            let ended = self
                .child
                .try_wait()
                .context("cannot query a child's state")?;
            if ended.is_some() || begun.elapsed() > START_LIMIT || interrupt::requested() {
                let log =
                    std::fs::read_to_string(folder.path().join(format!("replica-{number}.log")))
                        .unwrap_or_default();
                let words = log.lines().rev().take(5).collect::<Vec<_>>().join("\n");
                return Err(Failure::new(
                    Kind::Check,
                    "roster did not become ready",
                    words,
                    "try it by hand: cargo xtask dev",
                )
                .into());
            }
            if agent
                .get(&url)
                .call()
                .is_ok_and(|answer| answer.status() == 200)
            {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}

impl Drop for Replica {
    fn drop(&mut self) {
        // As an orchestrator does: SIGTERM first, so that requests in progress finish.
        let pid = rustix::process::Pid::from_child(&self.child);
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_secs(10) {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
