//! The old server and the new one: private instances of prebuilt binaries, with one password.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use dev_postgres::{Choice, DevPostgres, Options};
use roster_dev::postgres;
use tokio::runtime::Runtime;
use tokio_postgres::{Client, Config, NoTls, SimpleQueryMessage};
use xtask::failure::{Failure, Kind};
use xtask::interrupt;

/// For anything that the servers do.
const LIMIT: Duration = Duration::from_mins(1);

/// A running server of one major version.
pub(super) struct Server {
    server: DevPostgres,
}

/// Both servers.
pub(super) struct Databases {
    // In the order in which they must be dropped.
    pub(super) old: Server,
    pub(super) new: Server,
    runtime: Runtime,
}

impl Databases {
    /// Starts both, empty, able to replicate logically.
    pub(super) fn start(from: u32, to: u32) -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()?;
        let start = |major: u32| -> Result<Server> {
            let choice: Choice = major.to_string().parse().map_err(postgres::failure)?;
            let mut options = Options::for_tests()
                .map_err(postgres::failure)?
                .choose(&choice);
            for (name, value) in [("wal_level", "logical"), ("max_wal_senders", "10")] {
                options = options.setting(name, value);
            }
            let server = runtime.block_on(postgres::find_or_start(options))?;
            printing::eprintln!("postgres: {}", server.source());
            Ok(Server { server })
        };
        let this = Self {
            old: start(from)?,
            new: start(to)?,
            runtime,
        };
        let password = this.old.part(Part::Password)?;
        this.execute(
            &this.new,
            &format!("ALTER ROLE roster PASSWORD '{password}'"),
        )?;
        Ok(this)
    }

    /// The new server's URL, with the password of both.
    pub(super) fn new_url(&self) -> Result<String> {
        let host = self.new.part(Part::Host)?;
        Ok(self
            .old
            .server
            .url()
            .replace(self.old.part(Part::Host)?, host))
    }

    /// The old server's URL.
    pub(super) fn old_url(&self) -> &str {
        self.old.server.url()
    }

    /// Runs a statement as the operator, who may write where nobody else may.
    pub(super) fn execute(&self, server: &Server, statement: &str) -> Result<()> {
        self.runtime.block_on(async {
            let client = self
                .connect(server, "-c default_transaction_read_only=off")
                .await?;
            let done = client.batch_execute(statement).await;
            // Without what follows a password's keyword.
            let shown = statement.split(['\'', '=']).next().unwrap_or_default();
            done.with_context(|| format!("PostgreSQL rejected: {shown}…"))
        })
    }

    /// The first value of a query, as text; empty without a row.
    pub(super) fn value(&self, server: &Server, query: &str) -> Result<String> {
        self.runtime.block_on(async {
            let client = self.connect(server, "").await?;
            let rows = client.simple_query(query).await;
            let rows = rows.with_context(|| format!("PostgreSQL rejected: {query}"))?;
            let first = rows.iter().find_map(|message| match message {
                SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
                _ => None,
            });
            Ok(first.unwrap_or_default())
        })
    }

    /// Waits until a query gives this value.
    pub(super) fn until(&self, server: &Server, query: &str, wanted: &str) -> Result<()> {
        let begun = Instant::now();
        loop {
            interrupt::check()?;
            let value = self.value(server, query)?;
            if value == wanted {
                return Ok(());
            }
            if begun.elapsed() > LIMIT {
                let why = format!("{query} gives {value} instead of {wanted}");
                let what = format!("it did not happen within {} s", LIMIT.as_secs());
                let next = "look at the servers' logs below target/postgres";
                return Err(Failure::new(Kind::Check, what, why, next).into());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    async fn connect(&self, server: &Server, options: &str) -> Result<Client> {
        let mut config: Config = server.server.url().parse()?;
        config.options(options);
        let (client, connection) = if let Ok(connected) = config.connect(NoTls).await {
            connected
        } else {
            // The new server has got the old one's password.
            let mut config: Config = self.new_url()?.parse()?;
            config.options(options).connect(NoTls).await?
        };
        tokio::spawn(connection);
        Ok(client)
    }
}

/// A part of `postgres://roster:PASSWORD@HOST/roster`.
#[derive(Clone, Copy)]
pub(super) enum Part {
    Password,
    Host,
}

impl Server {
    pub(super) fn part(&self, part: Part) -> Result<&str> {
        let authority = self.server.url().split('/').nth(2).unwrap_or_default();
        let (account, host) = authority
            .split_once('@')
            .context("a URL without an account")?;
        match part {
            Part::Host => Ok(host),
            Part::Password => account
                .split(':')
                .nth(1)
                .context("a URL without a password"),
        }
    }
}
