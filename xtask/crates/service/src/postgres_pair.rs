//! A primary and a streaming standby from PostgreSQL's binaries on this machine, and `pgbouncer` in front of one of
//! them. All listen only on loopback, with data in a temporary directory. Must not know who uses them.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use tempfile::TempDir;
use tokio_postgres::NoTls;

use crate::network_link::Link;
use crate::nobody::{NOBODY, as_nobody, give_away};
use roster_dev::free_port;
use xtask::failure::{Failure, Kind};
use xtask::interrupt;
use xtask::tools;

/// Start timeout of a server.
const START_LIMIT: Duration = Duration::from_mins(1);
/// The owner's role, and the database's name.
const NAME: &str = "roster";

/// One server; killed on drop.
pub(crate) struct Postgres {
    child: Child,
    host: String,
    port: u16,
    /// Those of its processes that are stopped.
    frozen: Vec<rustix::process::Pid>,
    link: Option<Link>,
}

/// The directories of PostgreSQL's binaries and of the data.
pub(crate) struct Place {
    programs: PathBuf,
    folder: TempDir,
    runtime: tokio::runtime::Runtime,
}

impl Place {
    pub(crate) fn new() -> Result<Self> {
        let programs = tool_folder()?;
        let folder = tempfile::Builder::new()
            .prefix("roster-databases-")
            .tempdir()
            .context("cannot make a temporary folder")?;
        give_away(folder.path())?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()?;
        Ok(Self {
            programs,
            folder,
            runtime,
        })
    }

    /// A new, empty server with Roster's database.
    pub(crate) fn primary(&self) -> Result<Postgres> {
        self.primary_across(None)
    }

    /// The same, at the far end of a link.
    pub(crate) fn primary_across(&self, link: Option<Link>) -> Result<Postgres> {
        let data = self.folder.path().join("primary");
        self.run(
            "initdb",
            &[
                "--auth=trust",
                "--username",
                NAME,
                "--encoding=UTF8",
                "--pgdata",
            ],
            &data,
        )?;
        if let Some(link) = &link {
            let path = data.join("pg_hba.conf");
            let near = link.near_address();
            let rules = fs::read_to_string(&path).context("cannot read pg_hba.conf")?;
            let more = format!("host all,replication all {near}/32 trust\n");
            fs::write(&path, rules + &more).context("cannot write pg_hba.conf")?;
        }
        let server = self.start(&data, link)?;
        self.execute(&server, "postgres", &format!("CREATE DATABASE {NAME}"))?;
        Ok(server)
    }

    /// A standby of the primary; from then on, the primary confirms only commits that the standby has.
    pub(crate) fn standby(&self, primary: &Postgres) -> Result<Postgres> {
        let data = self.folder.path().join("standby");
        let from = format!("host={} port={} user={NAME}", primary.host, primary.port);
        self.run(
            "pg_basebackup",
            &[
                "--dbname",
                &from,
                "--write-recovery-conf",
                "--checkpoint=fast",
                "--pgdata",
            ],
            &data,
        )?;
        let server = self.start(&data, None)?;
        for statement in [
            "ALTER SYSTEM SET synchronous_standby_names = '*'",
            "SELECT pg_reload_conf()",
        ] {
            self.execute(primary, NAME, statement)?;
        }
        let begun = Instant::now();
        while self.text(
            primary,
            "SELECT coalesce(max(sync_state), '') FROM pg_stat_replication",
        )? != "sync"
        {
            wait(begun, "the standby does not follow", "")?;
        }
        Ok(server)
    }

    fn start(&self, data: &Path, link: Option<Link>) -> Result<Postgres> {
        let port = free_port()?;
        let host = link.as_ref().map_or("127.0.0.1", Link::far_address);
        let log_path = data.with_extension("log");
        let log = File::create(&log_path).context("cannot write a log")?;
        let program = self.programs.join("postgres");
        let mut command = match &link {
            Some(link) => link.program(NOBODY),
            None => Command::new(&program),
        };
        if link.is_some() {
            command.arg(&program);
        } else {
            as_nobody(&mut command);
        }
        command.arg("-D").arg(data);
        for setting in [
            format!("port={port}"),
            format!("listen_addresses={host}"),
            "unix_socket_directories=".to_owned(),
            "shared_buffers=32MB".to_owned(),
            "max_connections=100".to_owned(),
        ] {
            command.arg("-c").arg(setting);
        }
        let child = command
            .stdin(Stdio::null())
            .stdout(log.try_clone().context("cannot share a log")?)
            .stderr(log)
            .spawn()
            .context("cannot start postgres")?;
        let server = Postgres {
            child,
            host: host.to_owned(),
            port,
            frozen: Vec::new(),
            link,
        };
        let begun = Instant::now();
        while self.text(&server, "SELECT 'ready'").is_err() {
            wait(
                begun,
                "PostgreSQL does not respond",
                &fs::read_to_string(&log_path).unwrap_or_default(),
            )?;
        }
        Ok(server)
    }

    fn run(&self, program: &str, args: &[&str], data: &Path) -> Result<()> {
        let mut command = Command::new(self.programs.join(program));
        command.args(args).arg(data).stdin(Stdio::null());
        let outcome = as_nobody(&mut command)
            .output()
            .with_context(|| format!("cannot start {program}"))?;
        if outcome.status.success() {
            return Ok(());
        }
        let why = String::from_utf8_lossy(&outcome.stderr).into_owned();
        let next = format!("fix what {program} reports");
        Err(Failure::new(Kind::Check, format!("{program} failed"), why, next).into())
    }

    /// `pgbouncer` before a server, in this mode (`session` or `transaction`).
    pub(crate) fn pgbouncer(&self, mode: &str, before: &Postgres) -> Result<Postgres> {
        let program = tools::path("pgbouncer").ok_or_else(|| {
            Failure::new(
                Kind::Missing,
                "pgbouncer is not installed",
                "this test needs a real one",
                "apt-get install pgbouncer",
            )
        })?;
        let port = free_port()?;
        let file = self.folder.path().join(format!("pgbouncer-{mode}.ini"));
        let text = format!(
            "[databases]\n{NAME} = host=127.0.0.1 port={} dbname={NAME} user={NAME}\n\
             [pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\nauth_type = any\n\
             pool_mode = {mode}\nmax_client_conn = 200\ndefault_pool_size = 40\n",
            before.port
        );
        fs::write(&file, text).context("cannot write PgBouncer's configuration")?;
        let log = File::create(file.with_extension("log")).context("cannot write a log")?;
        let mut command = Command::new(program);
        let child = as_nobody(command.arg("--quiet").arg(&file))
            .stdin(Stdio::null())
            .stdout(log.try_clone().context("cannot share a log")?)
            .stderr(log)
            .spawn()
            .context("cannot start pgbouncer")?;
        let server = Postgres {
            child,
            host: "127.0.0.1".to_owned(),
            port,
            frozen: Vec::new(),
            link: None,
        };
        let begun = Instant::now();
        while self.text(&server, "SELECT 'ready'").is_err() {
            let words = fs::read_to_string(file.with_extension("log")).unwrap_or_default();
            wait(begun, "PgBouncer does not respond", &words)?;
        }
        Ok(server)
    }

    /// Runs a statement.
    pub(crate) fn execute(&self, server: &Postgres, database: &str, statement: &str) -> Result<()> {
        self.runtime.block_on(async {
            connect(server, database)
                .await?
                .batch_execute(statement)
                .await
                .with_context(|| format!("PostgreSQL rejected: {statement}"))
        })
    }

    /// The first value of a query in Roster's database, as text.
    pub(crate) fn text(&self, server: &Postgres, query: &str) -> Result<String> {
        self.runtime.block_on(async {
            let client = match connect(server, NAME).await {
                Ok(client) => client,
                // Before Roster's database is created.
                Err(_) => connect(server, "postgres").await?,
            };
            let rows = client.simple_query(query).await?;
            let row = rows.iter().find_map(|message| match message {
                tokio_postgres::SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
                _ => None,
            });
            row.with_context(|| format!("no answer to {query}"))
        })
    }
}

impl Postgres {
    /// Kills it, like a power failure.
    pub(crate) fn kill(&mut self) {
        self.end();
    }

    /// Stops all of its processes: the system still takes connections for them, and nobody answers.
    pub(crate) fn freeze(&mut self) -> Result<()> {
        let postmaster = rustix::process::Pid::from_child(&self.child);
        self.stop(postmaster)?;
        let id = self.child.id();
        let children = fs::read_to_string(format!("/proc/{id}/task/{id}/children"))
            .context("cannot list the server's processes: it needs Linux")?;
        for child in children.split_whitespace() {
            let child = child.parse().ok().and_then(rustix::process::Pid::from_raw);
            self.stop(child.context("a process without a number")?)?;
        }
        Ok(())
    }

    fn stop(&mut self, process: rustix::process::Pid) -> Result<()> {
        rustix::process::kill_process(process, rustix::process::Signal::STOP)
            .context("cannot stop a process of the server")?;
        self.frozen.push(process);
        Ok(())
    }

    /// From now on, nothing that it sends arrives.
    pub(crate) fn drop_packets(&self) -> Result<()> {
        let link = self.link.as_ref();
        link.context("the server is not behind a link")?
            .drop_packets()
    }

    fn end(&mut self) {
        // Its children see the death of their parent and end, unless they are stopped.
        let _ = self.child.kill();
        let _ = self.child.wait();
        for process in self.frozen.drain(..).skip(1) {
            let _ = rustix::process::kill_process(process, rustix::process::Signal::KILL);
        }
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.end();
    }
}

/// A database URL of these servers.
pub(crate) fn url(servers: &[&Postgres]) -> String {
    let hosts: Vec<String> = servers
        .iter()
        .map(|server| format!("{}:{}", server.host, server.port))
        .collect();
    format!(
        "postgresql://{NAME}@{}/{NAME}?sslmode=disable",
        hosts.join(",")
    )
}

async fn connect(server: &Postgres, database: &str) -> Result<tokio_postgres::Client> {
    let mut config = tokio_postgres::Config::new();
    config
        .host(&server.host)
        .port(server.port)
        .user(NAME)
        .dbname(database)
        .connect_timeout(Duration::from_secs(2));
    let (client, connection) = config.connect(NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

fn tool_folder() -> Result<PathBuf> {
    let folder = xtask::run_tool::tool("pg_config")
        .arg("--bindir")
        .quiet()
        .output();
    let candidates = folder
        .into_iter()
        .map(|text| PathBuf::from(text.trim()))
        .chain(
            fs::read_dir("/usr/lib/postgresql")
                .into_iter()
                .flatten()
                .filter_map(|entry| Some(entry.ok()?.path().join("bin"))),
        );
    candidates
        .filter(|folder| folder.join("initdb").is_file())
        .last()
        .ok_or_else(|| {
            Failure::new(
                Kind::Missing,
                "PostgreSQL's programs are not installed",
                "initdb, postgres and pg_basebackup are needed here",
                "apt-get install postgresql",
            )
            .into()
        })
}

fn wait(begun: Instant, what: &str, words: &str) -> Result<()> {
    interrupt::check()?;
    if begun.elapsed() > START_LIMIT {
        let why = words.lines().rev().take(10).collect::<Vec<_>>().join("\n");
        return Err(Failure::new(
            Kind::Check,
            what,
            why,
            "try again; the port may have been taken",
        )
        .into());
    }
    std::thread::sleep(Duration::from_millis(100));
    Ok(())
}
