//! `--seed N`: N generated users, loaded with `COPY`.
//!
//! Indexes except the primary key are dropped and recreated at the end, which is several times faster. A comment on the
//! table marks an unfinished seeding.

mod people;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context, Result};
use tokio::task::JoinSet;
use tokio_postgres::{Client, NoTls};

use crate::progress::Progress;
use crate::user_copy;
use people::person;
use xtask::failure::{Failure, Kind};

const ROWS_AT_ONCE: u64 = 5_000;
const UNFINISHED: &str = "cargo xtask dev --seed was interrupted";
const YEAR: Duration = Duration::from_hours(365 * 24);

/// The unique key of addresses is first created as an index, concurrently with the others, and then used for the
/// constraint.
const UNIQUE_INDEX: &str = "CREATE UNIQUE INDEX users_email_key ON users (email_key)";
const WITHOUT_UNIQUE_KEY: &str = "ALTER TABLE users DROP CONSTRAINT users_email_key";
const WITH_UNIQUE_KEY: &str =
    "ALTER TABLE users ADD CONSTRAINT users_email_key UNIQUE USING INDEX users_email_key";

/// The users' entries in the change feed, which retains 30 days.
const FEED: &str = "
INSERT INTO user_changes (kind, at, user_id, email, name, phone, title, department, status, row_version, created_at)
SELECT 'created', created_at, id, email, name, phone, title, department, status, row_version, created_at
FROM users WHERE created_at > now() - interval '30 days' ORDER BY created_at, id
";

/// Fills an empty directory with `count` users; does nothing if it has users.
pub(super) async fn run(url: &str, count: u32) -> Result<()> {
    let client = connect(url).await?;
    refuse_unfinished(&client).await?;
    let present: i64 = client
        .query_one("SELECT count(*) FROM users", &[])
        .await?
        .get(0);
    if present > 0 {
        printing::eprintln!(
            "seed: the directory already has {present} users; use --fresh to start with new data"
        );
        return Ok(());
    }
    let begun = Instant::now();
    mark(&client, Some(UNFINISHED)).await?;
    let indexes = take_indexes(&client).await?;
    client.batch_execute(WITHOUT_UNIQUE_KEY).await?;
    copy(url, u64::from(count)).await?;
    let steps = indexes
        .into_iter()
        .chain([UNIQUE_INDEX.to_owned(), FEED.to_owned()])
        .collect();
    finish(url, steps).await?;
    client.batch_execute(WITH_UNIQUE_KEY).await?;
    client.batch_execute("VACUUM (ANALYZE) users").await?;
    mark(&client, None).await?;
    printing::eprintln!(
        "seed: {count} users in {:.1} s",
        begun.elapsed().as_secs_f64()
    );
    Ok(())
}

async fn connect(url: &str) -> Result<Client> {
    let (client, connection) = tokio_postgres::connect(url, NoTls)
        .await
        .context("cannot connect for --seed")?;
    tokio::spawn(connection);
    // An interrupted seeding is discarded anyway.
    client
        .batch_execute("SET synchronous_commit = off; SET maintenance_work_mem = '512MB'")
        .await?;
    Ok(client)
}

async fn refuse_unfinished(client: &Client) -> Result<()> {
    let row = client
        .query_one("SELECT obj_description('users'::regclass, 'pg_class')", &[])
        .await?;
    if row.get::<_, Option<&str>>(0) == Some(UNFINISHED) {
        let what = "the directory has an unfinished seeding";
        let why = "cargo xtask dev --seed was interrupted; indexes are missing";
        let next = "start with new data: cargo xtask dev --fresh --seed N";
        return Err(Failure::new(Kind::Refused, what, why, next).into());
    }
    Ok(())
}

async fn mark(client: &Client, text: Option<&str>) -> Result<()> {
    let text = text.map_or_else(|| "NULL".to_owned(), |text| format!("'{text}'"));
    Ok(client
        .batch_execute(&format!("COMMENT ON TABLE users IS {text}"))
        .await?)
}

/// Drops the indexes that no constraint needs; returns the statements that recreate them.
async fn take_indexes(client: &Client) -> Result<Vec<String>> {
    let query = "SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index
                 WHERE indrelid = 'users'::regclass AND NOT indisunique
                 ORDER BY indexrelid DESC";
    let mut definitions = Vec::new();
    for row in client.query(query, &[]).await? {
        client
            .batch_execute(&format!("DROP INDEX {}", row.get::<_, &str>(0)))
            .await?;
        definitions.push(row.get(1));
    }
    Ok(definitions)
}

async fn copy(url: &str, count: u64) -> Result<()> {
    let chunks = (0..count)
        .step_by(usize::try_from(ROWS_AT_ONCE)?)
        .map(|from| from..(from + ROWS_AT_ONCE).min(count));
    let chunks = Arc::new(Mutex::new(chunks.collect::<VecDeque<_>>()));
    let progress = Arc::new(Progress::rows(count));
    #[allow(
        clippy::cast_precision_loss,
        reason = "a year has fewer microseconds than f64 has exact integers"
    )]
    let created_at = {
        let now = SystemTime::now();
        move |row: u64| now - YEAR.mul_f64(1.0 - row as f64 / count as f64)
    };
    let mut workers = JoinSet::new();
    for _ in 0..workers_count() {
        let (chunks, progress, client) = (chunks.clone(), progress.clone(), connect(url).await?);
        workers.spawn(async move {
            loop {
                let next = chunks
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .pop_front();
                let Some(rows) = next else {
                    return Ok(());
                };
                let copied = rows.end - rows.start;
                let people = rows.map(|row| person(row, created_at(row)));
                user_copy::copy(&client, people).await?;
                progress.add(copied);
            }
        });
    }
    joined(workers, "cannot load the users").await
}

/// Runs the closing statements in parallel: several indexes can be created on one table at the same time.
async fn finish(url: &str, steps: VecDeque<String>) -> Result<()> {
    let progress = Arc::new(Progress::steps(steps.len() as u64, "indexes"));
    let steps = Arc::new(Mutex::new(steps));
    let mut workers = JoinSet::new();
    for _ in 0..workers_count() {
        let (steps, progress, client) = (steps.clone(), progress.clone(), connect(url).await?);
        workers.spawn(async move {
            loop {
                let next = steps
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .pop_front();
                let Some(statement) = next else { return Ok(()) };
                client.batch_execute(&statement).await?;
                progress.add(1);
            }
        });
    }
    joined(workers, "cannot recreate the indexes").await
}

async fn joined(
    mut workers: JoinSet<Result<(), tokio_postgres::Error>>,
    what: &'static str,
) -> Result<()> {
    while let Some(done) = workers.join_next().await {
        done?.context(what)?;
    }
    Ok(())
}

fn workers_count() -> usize {
    std::thread::available_parallelism()
        .map_or(2, usize::from)
        .min(8)
}
