//! A real PostgreSQL outside of the cluster that pods can reach: a private one on this machine, behind a relay.
//!
//! The private server listens only on loopback; the relay listens at the address that pods use.

use std::io;
use std::net::{IpAddr, Shutdown, TcpListener, TcpStream};
use std::thread;

use anyhow::{Context, Result};
use dev_postgres::{Database, DevPostgres, Options};
use roster_dev::postgres;
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
        let listener = TcpListener::bind((address, 0)).map_err(|error| {
            Failure::new(
                Kind::Usage,
                format!("the node's address {address} does not belong to this machine"),
                format!("pods could not reach a database on this machine ({error})"),
                "use a database that pods can reach: --database-url",
            )
        })?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()?;
        let (server, database) = runtime.block_on(async {
            let options = Options::for_tests().map_err(postgres::failure)?;
            let options = options.setting("max_connections", "200");
            let server = postgres::find_or_start(options).await?;
            let database = server
                .create_database("e2e")
                .await
                .map_err(postgres::failure)?;
            anyhow::Ok((server, database))
        })?;
        let local_url = database.url().to_owned();
        let inner = authority(&local_url)
            .context("the database's URL has no host")?
            .to_owned();
        let outer = listener.local_addr()?.to_string();
        let url = local_url.replacen(&inner, &outer, 1);
        thread::spawn(move || relay(&listener, &inner));
        Ok(Self {
            url,
            local_url,
            _running: Some((runtime, server, database)),
        })
    }
}

/// Host and port of a URL.
fn authority(url: &str) -> Option<&str> {
    let rest = url.split_once("://")?.1;
    let rest = rest.split_once('@').map_or(rest, |(_, host)| host);
    Some(rest.split(['/', '?']).next().unwrap_or(rest))
}

fn relay(listener: &TcpListener, to: &str) {
    for from in listener.incoming().flatten() {
        if let Ok(to) = TcpStream::connect(to) {
            let _ = both_ways(&from, &to);
        }
    }
}

fn both_ways(one: &TcpStream, other: &TcpStream) -> io::Result<()> {
    for (from, to) in [(one, other), (other, one)] {
        let (mut from, mut to) = (from.try_clone()?, to.try_clone()?);
        from.set_nodelay(true)?;
        thread::spawn(move || {
            let _ = io::copy(&mut from, &mut to);
            let _ = to.shutdown(Shutdown::Both);
            let _ = from.shutdown(Shutdown::Both);
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::authority;

    #[test]
    fn the_host_is_found_behind_a_password() {
        let url = "postgres://roster:a%40b@127.0.0.1:5433/e2e?sslmode=disable";
        assert_eq!(authority(url), Some("127.0.0.1:5433"));
    }
}
