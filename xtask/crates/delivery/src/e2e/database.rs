//! A real PostgreSQL outside of the cluster that pods can reach: a private one on this machine, behind a relay.
//!
//! The private server listens only on loopback; the relay listens at the address that pods use.

use std::io;
use std::net::IpAddr;

use anyhow::{Context, Result};
use dev_postgres::{Database, DevPostgres, Options, Relay};
use roster_dev::postgres;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

use xtask::failure::{Failure, Kind};

/// The server and its database, for as long as this lives.
pub(crate) struct OutsideDatabase {
    /// The URL for pods.
    pub(crate) url: String,
    /// The URL for this machine.
    pub(crate) local_url: String,
    /// `None` if the database was given.
    _running: Option<(Runtime, DevPostgres, Database)>,
}

impl OutsideDatabase {
    /// An existing database with the same URL from everywhere.
    pub(crate) fn given(url: &str) -> Self {
        Self {
            url: url.to_owned(),
            local_url: url.to_owned(),
            _running: None,
        }
    }

    /// Starts one that listens at this address.
    pub(crate) fn start(address: IpAddr) -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()?;
        let (server, database, relay) = runtime.block_on(async {
            // First: without it, nothing needs to be started.
            let listener = TcpListener::bind((address, 0))
                .await
                .map_err(|error| not_here(address, &error))?;
            let options = Options::for_tests().map_err(postgres::failure)?;
            let options = options.setting("max_connections", "200");
            let server = postgres::find_or_start(options).await?;
            let database = server
                .create_database("e2e")
                .await
                .map_err(postgres::failure)?;
            let relay = Relay::listen(listener, database.url())
                .context("cannot start a relay to the database")?;
            anyhow::Ok((server, database, relay))
        })?;
        Ok(Self {
            url: relay.url().to_owned(),
            local_url: database.url().to_owned(),
            _running: Some((runtime, server, database)),
        })
    }
}

/// Runs statements in the database, as its owner.
pub(crate) fn execute(url: &str, statements: &str) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await?;
        let connection = tokio::spawn(connection);
        let outcome = client.batch_execute(statements).await;
        drop(client);
        let _ = connection.await;
        Ok(outcome?)
    })
}

fn not_here(address: IpAddr, error: &io::Error) -> Failure {
    Failure::new(
        Kind::Usage,
        format!("the node's address {address} does not belong to this machine"),
        format!("pods could not reach a database on this machine ({error})"),
        "use a database that pods can reach: --database-url",
    )
}
