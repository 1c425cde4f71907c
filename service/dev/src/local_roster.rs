//! Roster on this machine as run by `cargo xtask dev`, for other commands: a PostgreSQL, the service, a client with a
//! token. Dropping the value stops everything. Must not know what it is used for.

pub mod access;
pub mod service;

use std::fs::File;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use dev_postgres::{Database, DevPostgres, Options, Relay};

use crate::free_port;
use crate::postgres;
use access::Access;
use service::Service;
use xtask::failure::{Failure, Kind};

/// A running Roster with its own data.
pub struct LocalRoster {
    // In the order in which they must be dropped.
    service: Service,
    access: Access,
    relay: Option<Relay>,
    _database: Database,
    _postgres: DevPostgres,
    _runtime: tokio::runtime::Runtime,
    log: PathBuf,
}

impl LocalRoster {
    /// Builds Roster, starts everything, and waits until it is ready. Key and log are below `folder`.
    pub fn start(name: &str, folder: &Path) -> Result<Self> {
        Self::start_with(name, folder, &[])
    }

    /// The same, with further flags of `roster serve`.
    pub fn start_with(name: &str, folder: &Path, flags: &[String]) -> Result<Self> {
        Self::start_on(name, folder, flags, false)
    }

    /// The same, with the database behind a relay, which cuts it off: [`Self::database`].
    pub fn start_with_relay(name: &str, folder: &Path, flags: &[String]) -> Result<Self> {
        Self::start_on(name, folder, flags, true)
    }

    fn start_on(name: &str, folder: &Path, flags: &[String], relayed: bool) -> Result<Self> {
        let program = service::build(false)?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()?;
        std::fs::create_dir_all(folder)
            .with_context(|| format!("cannot create {}", folder.display()))?;
        let log = folder.join("roster.log");
        let (postgres, database, relay, access, service) = runtime.block_on(async {
            let options = Options::for_tests().map_err(postgres::failure)?;
            let server = postgres::find_or_start(options).await?;
            printing::eprintln!("postgres: {}", server.source());
            let database = server
                .create_database("local")
                .await
                .map_err(postgres::failure)?;
            let relay = if relayed {
                let relay = Relay::start(database.url()).await;
                Some(relay.context("cannot start a relay")?)
            } else {
                None
            };
            let url = relay.as_ref().map_or(database.url(), Relay::url);
            service::migrate(&program, url).await?;
            let mut access = Access::prepare(&program, url, folder, name).await?;
            let mut service = Service::start(
                &program,
                url,
                free_port()?,
                free_port()?,
                Some(&access.keys_file),
                flags,
                File::create(&log)?.into(),
            )?;
            service.wait_until_ready().await?;
            access.fetch_token(&service.url()).await?;
            anyhow::Ok((server, database, relay, access, service))
        })?;
        printing::eprintln!("roster: {} (its log: {})", service.url(), log.display());
        Ok(Self {
            service,
            access,
            relay,
            _database: database,
            _postgres: postgres,
            _runtime: runtime,
            log,
        })
    }

    /// The relay in front of the database, if it was asked for.
    pub fn database(&self) -> Option<&Relay> {
        self.relay.as_ref()
    }

    /// The URL for clients.
    pub fn url(&self) -> String {
        self.service.url()
    }

    /// The same as host and port.
    pub fn address(&self) -> String {
        self.service.url().replace("http://", "")
    }

    /// The URL of the admin listener.
    pub fn admin_url(&self) -> String {
        self.service.admin_url()
    }

    /// The log so far: a JSON document per line.
    pub fn log(&self) -> Result<String> {
        std::fs::read_to_string(&self.log)
            .with_context(|| format!("cannot read {}", self.log.display()))
    }

    /// A token for reading and writing.
    pub fn token(&self) -> &str {
        &self.access.token
    }

    /// The long-lived token of the same client, for SCIM.
    pub fn scim_token(&self) -> &str {
        &self.access.scim_token
    }

    /// Id and secret of the token's client.
    pub fn client(&self) -> (&str, &str) {
        let client = &self.access.client;
        (&client.client_id, &client.client_secret)
    }

    /// Fails if the service has logged a bug: a panic or an unexpected error.
    pub fn demand_clean_log(&self) -> Result<()> {
        let text = self.log()?;
        let errors: Vec<_> = text
            .lines()
            .filter(|line| line.contains(r#""level":"ERROR""#))
            .collect();
        if errors.is_empty() {
            return Ok(());
        }
        let what = format!("the service logged {} errors", errors.len());
        let next = format!(
            "fix what they report; the whole log: {}",
            self.log.display()
        );
        Err(Failure::new(Kind::Check, what, errors.join("\n"), next).into())
    }
}
