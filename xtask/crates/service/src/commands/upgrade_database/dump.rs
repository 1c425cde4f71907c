//! A dump of the old server, restored into the new one, while no Roster runs.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use xtask::failure::{Failure, Kind};

use super::databases::Databases;
use super::held::Held;
use crate::commands::standby::until;
use crate::watched_roster::WatchedRoster;

/// For the load before the dump.
const LIMIT: Duration = Duration::from_mins(2);
const TABLES: [&str; 5] = [
    "users",
    "user_changes",
    "idempotency_keys",
    "clients",
    "cursor_keys",
];

pub(super) fn run(from: u32, to: u32) -> Result<()> {
    for program in ["pg_dump", "psql"] {
        if !xtask::tools::is_installed(program) {
            let next = "install PostgreSQL's client programs: apt-get install postgresql-client";
            let why = "prebuilt binaries have the server alone";
            let what = format!("{program} is not installed");
            return Err(Failure::new(Kind::Missing, what, why, next).into());
        }
    }
    let databases = Databases::start(from, to)?;
    let mut before = WatchedRoster::start_on(databases.old_url())?;
    until(LIMIT, "requests succeed", || before.answered().0 >= 300)?;
    let held = Held::take(&before.address())?;
    before.stop_load();
    let (good, bad) = before.answered();
    ensure!(bad == 0, "{bad} requests failed before the dump");
    drop(before);

    let begun = Instant::now();
    copy(databases.old_url(), &databases.new_url()?)?;
    let took = begun.elapsed();
    for table in TABLES {
        let count = format!("SELECT count(*) FROM {table}");
        let old = databases.value(&databases.old, &count)?;
        let new = databases.value(&databases.new, &count)?;
        ensure!(old == new, "{table}: {old} rows became {new}");
    }
    let after = WatchedRoster::start_on(&databases.new_url()?)?;
    let proven = held.prove(&after.address())?;
    until(LIMIT, "requests succeed", || after.answered().0 >= 300)?;
    let (good_after, bad_after) = after.answered();
    ensure!(
        bad_after == 0,
        "{bad_after} requests failed after the restore"
    );
    printing::println!(
        "dump {from} → {to}: {good} + {good_after} calls answered well, 0 failed; no Roster ran for the {:.1} s of the \
         dump; {proven}",
        took.as_secs_f64()
    );
    Ok(())
}

/// `pg_dump OLD | psql NEW`; the URLs, with a password, in the environment only.
fn copy(old: &str, new: &str) -> Result<()> {
    let mut dump = with_database(Command::new("pg_dump"), old)?
        .args(["--no-owner", "--no-privileges"])
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot start pg_dump")?;
    let dumped = dump.stdout.take().context("pg_dump has no output")?;
    let restored = with_database(Command::new("psql"), new)?
        .args([
            "--quiet",
            "--no-psqlrc",
            "--set=ON_ERROR_STOP=1",
            "--single-transaction",
        ])
        .stdin(dumped)
        .stdout(Stdio::null())
        .status()
        .context("cannot start psql")?;
    let dumped = dump.wait().context("cannot wait for pg_dump")?;
    ensure!(
        dumped.success() && restored.success(),
        "pg_dump: {dumped}, psql: {restored}; their output is above"
    );
    Ok(())
}

/// The connection of libpq's programs, by its variables: a process list shows arguments.
fn with_database(mut command: Command, url: &str) -> Result<Command> {
    let malformed = "not a URL of a server of ours";
    let rest = url.split_once("://").context(malformed)?.1;
    let (account, rest) = rest.split_once('@').context(malformed)?;
    let (user, password) = account.split_once(':').context(malformed)?;
    let (address, name) = rest.split_once('/').context(malformed)?;
    let (host, port) = address.split_once(':').context(malformed)?;
    for (variable, value) in [
        ("PGUSER", user),
        ("PGPASSWORD", password),
        ("PGHOST", host),
        ("PGPORT", port),
        ("PGDATABASE", name),
    ] {
        command.env(variable, value);
    }
    Ok(command)
}
