//! A private server run from binaries on this machine: its folder, start and stop.
//!
//! An instance is one folder: `data/`, `password`, `log`. Its owner holds a lock on the folder; an unlocked instance
//! has lost its owner, and the next start removes it.

mod folder;

#[cfg(feature = "containers")]
pub(crate) use folder::random_hex;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use crate::account::Account;
use crate::binaries::Binaries;
use crate::connection::{connect, with_database, words_of};
use crate::error::{Error, Reason};
use crate::options::Options;
use crate::watchdog::Watchdog;
use folder::InstanceFolder;

/// The server's superuser and its first database.
pub(crate) const NAME: &str = "roster";

/// Long enough for crash recovery.
const START_TIMEOUT: Duration = Duration::from_mins(1);
const PORT_TRIES: u32 = 5;

/// `$1` the instance's folder, `$2` the binaries' folder, `$3` keep or remove.
const END: &str = r#"
tries=0
while [ ! -s "$1/data/postmaster.pid" ] && [ "$tries" -lt 5 ]; do tries=$((tries + 1)); sleep 0.1; done
if [ -e "$1/data/postmaster.pid" ]; then
    "$2/pg_ctl" stop --silent --pgdata "$1/data" --mode fast --timeout 30 ||
        "$2/pg_ctl" stop --silent --pgdata "$1/data" --mode immediate --timeout 10
fi
[ "$3" = keep ] && exit
cd /
tries=0
while [ -e "$1" ] && [ "$tries" -lt 50 ]; do rm -rf -- "$1"; tries=$((tries + 1)); sleep 0.1; done
rmdir -- "$(dirname -- "$1")"
"#;

/// A running private server; dropping this value stops it.
#[derive(Debug)]
pub(crate) struct Instance {
    url: String,
    server: Child,
    watchdog: Watchdog,
    lock: Option<File>,
    /// The parent folder of instances; removed with the last of them.
    base: PathBuf,
}

impl Instance {
    /// Starts a server and returns when it accepts connections.
    pub(crate) async fn start(binaries: &Binaries, options: &Options) -> Result<Self, Error> {
        let account = Account::choose()?;
        let folder = {
            let (binaries, options) = (binaries.clone(), options.clone());
            let opened = tokio::task::spawn_blocking(move || {
                InstanceFolder::open(&binaries, &options, account)
            });
            opened.await.map_err(|error| {
                Error::new(
                    Reason::Failed,
                    "cannot prepare the data folder",
                    error.to_string(),
                    "",
                )
            })??
        };
        for _ in 1..PORT_TRIES {
            match Self::start_once(binaries, options, account, &folder).await {
                // Another program took the free port before the server could bind it.
                Err(error) if error.why.contains("could not bind") => {}
                Err(error) => return Err(error),
                Ok((url, server)) => {
                    let InstanceFolder {
                        watchdog,
                        lock,
                        base,
                        ..
                    } = folder;
                    return Ok(Self {
                        url,
                        server,
                        watchdog,
                        lock: Some(lock),
                        base,
                    });
                }
            }
        }
        let next = "try again; if it persists, look for a program that opens many ports";
        Err(Error::new(
            Reason::Failed,
            "PostgreSQL found no free port",
            format!("{PORT_TRIES} tries"),
            next,
        ))
    }

    /// The URL of its first database, with the password.
    pub(crate) fn url(&self) -> String {
        self.url.clone()
    }

    async fn start_once(
        binaries: &Binaries,
        options: &Options,
        account: Account,
        folder: &InstanceFolder,
    ) -> Result<(String, Child), Error> {
        let port = free_port()?;
        let mut server = spawn_server(binaries, options, account, &folder.path, port)?;
        let postgres = format!(
            "postgres://{NAME}:{}@127.0.0.1:{port}/postgres",
            folder.password
        );
        if let Err(error) = wait_until_ready(&mut server, &postgres, &folder.path).await {
            let _ = server.kill();
            let _ = server.wait();
            return Err(error);
        }
        create_first_database(&postgres).await?;
        Ok((with_database(&postgres, NAME)?, server))
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        self.watchdog.release();
        // The server is our child: it stays a zombie until we reap it.
        while !self.watchdog.has_ended() {
            let _ = self.server.try_wait();
            std::thread::sleep(Duration::from_millis(5));
        }
        let _ = self.server.wait();
        drop(self.lock.take());
        // The watchdog's account may lack permission; this fails while another instance is in it.
        let _ = std::fs::remove_dir(&self.base);
    }
}

/// The shell that stops the instance; started first, so that nothing can be left behind.
fn start_watchdog(
    account: Account,
    folder: &Path,
    binaries: &Binaries,
    keep: bool,
) -> Result<Watchdog, Error> {
    let fate = if keep { "keep" } else { "remove" };
    let args = [
        folder.as_os_str(),
        binaries.folder.as_os_str(),
        fate.as_ref(),
    ];
    Watchdog::start(account.command("sh", folder), END, &args).map_err(|error| {
        Error::new(
            Reason::Failed,
            "cannot start a shell",
            error.to_string(),
            "",
        )
    })
}

fn spawn_server(
    binaries: &Binaries,
    options: &Options,
    account: Account,
    folder: &Path,
    port: u16,
) -> Result<Child, Error> {
    let log_path = folder.join("log");
    let log = File::create(&log_path).map_err(|error| Error::file("create", &log_path, &error))?;
    account.own(&log_path)?;
    let mut command = account.command(binaries.folder.join("postgres"), folder);
    command
        .arg("-D")
        .arg(folder.join("data"))
        .arg("-p")
        .arg(port.to_string());
    command.args([
        "-c",
        "listen_addresses=127.0.0.1",
        "-c",
        "unix_socket_directories=",
    ]);
    command.args([
        "-c",
        "logging_collector=off",
        "-c",
        "log_destination=stderr",
    ]);
    for (name, value) in &options.settings {
        command.arg("-c").arg(format!("{name}={value}"));
    }
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log);
    command
        .spawn()
        .map_err(|error| Error::file("start", &binaries.folder.join("postgres"), &error))
}

async fn wait_until_ready(server: &mut Child, url: &str, folder: &Path) -> Result<(), Error> {
    let begun = Instant::now();
    loop {
        match connect(url).await {
            Ok(_) => return Ok(()),
            Err(error) if begun.elapsed() > START_TIMEOUT => {
                let what = format!(
                    "PostgreSQL does not respond {} s after its start",
                    START_TIMEOUT.as_secs()
                );
                return Err(Error::new(
                    Reason::Failed,
                    what,
                    error.why,
                    last_lines(folder),
                ));
            }
            Err(_) => {}
        }
        if let Ok(Some(status)) = server.try_wait() {
            let why = format!("{status}; its log ends with:\n{}", last_lines(folder));
            let next = "fix the problem in the log; --fresh discards the data";
            return Err(Error::new(
                Reason::Failed,
                "PostgreSQL exited during its start",
                why,
                next,
            ));
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
}

async fn create_first_database(url: &str) -> Result<(), Error> {
    let failed = |error: tokio_postgres::Error| {
        Error::new(
            Reason::Failed,
            "cannot create the first database",
            words_of(&error),
            "try again with --fresh",
        )
    };
    let client = connect(url).await?;
    let query = "SELECT FROM pg_database WHERE datname = $1";
    if client
        .query_opt(query, &[&NAME])
        .await
        .map_err(failed)?
        .is_none()
    {
        client
            .batch_execute(&format!("CREATE DATABASE {NAME}"))
            .await
            .map_err(failed)?;
    }
    Ok(())
}

fn last_lines(folder: &Path) -> String {
    let log = std::fs::read_to_string(folder.join("log")).unwrap_or_default();
    let lines: Vec<_> = log.lines().collect();
    lines[lines.len().saturating_sub(8)..].join("\n")
}

fn free_port() -> Result<u16, Error> {
    std::net::TcpListener::bind(("127.0.0.1", 0))
        .and_then(|listener| listener.local_addr())
        .map(|address| address.port())
        .map_err(|error| Error::file("open a port at", &PathBuf::from("127.0.0.1"), &error))
}
