//! A real Roster for monitoring tests: two replicas under a steady load, on a private PostgreSQL behind a relay that
//! can be cut, or on a given database. Dropping the value stops everything. Must not know who observes it.

mod load;

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use dev_postgres::{Database, DevPostgres, Options, Relay};
use tempfile::TempDir;

use load::Load;
use roster_dev::free_port;
use roster_dev::local_roster::service::{self, Service};
use roster_dev::postgres;
use xtask::run_tool::tool;

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
    _service: Service,
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
        let (server, database, relay) = runtime.block_on(async {
            let options = Options::for_tests().map_err(postgres::failure)?;
            let server = postgres::find_or_start(options).await?;
            let database = server
                .create_database("watched")
                .await
                .map_err(postgres::failure)?;
            let relay = Relay::start(database.url())
                .await
                .context("cannot start a relay to the database")?;
            anyhow::Ok((server, database, relay))
        })?;
        printing::eprintln!("postgres: {}", server.source());
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
        let path = folder.path().join(format!("replica-{number}.log"));
        let log = File::create(&path).context("cannot write a log")?;
        let flags = ["--log-format".to_owned(), "json".to_owned()];
        // Authentication is not part of these tests.
        let mut service = Service::start(program, url, port, admin_port, None, &flags, log.into())?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        runtime
            .block_on(service.wait_until_ready())
            .inspect_err(|_| {
                let log = std::fs::read_to_string(&path).unwrap_or_default();
                printing::eprintln!("the log of replica {number}:\n{log}");
            })?;
        Ok(Self {
            _service: service,
            port,
            admin_port,
        })
    }
}
