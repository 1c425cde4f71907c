//! `--seed N`: N plausible users, made by the server itself, fast.
//!
//! The rows are what the service would have written (columns and search grams as in `service/src/store`). The indexes
//! of sorts and filters are dropped meanwhile and made again at the end, which is several times faster; a mark on the
//! table tells a seeding that was cut short.

mod people;
mod progress;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use tokio::task::JoinSet;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, NoTls};

use crate::failure::{Failure, Kind};
use people::People;
use progress::Progress;

const ROWS_AT_ONCE: i64 = 5_000;
const UNFINISHED: &str = "cargo xtask dev --seed was cut short";
const YEAR_S: f64 = 365.0 * 24.0 * 60.0 * 60.0;

/// The rows from `$1` up to `$2`. Row, id and time grow together: `$3` is the first second, `$4` the step.
const INSERT: &str = "
INSERT INTO users (id, email, email_key, name, name_key, phone, title, department, status,
                   row_version, created_at, updated_at, search_grams)
SELECT (substr(encode(int8send(floor(extract(epoch FROM at) * 1000)::bigint), 'hex'), 5)
        || '7' || substr(hash, 1, 3) || '8' || substr(hash, 4, 15))::uuid,
       address, address, name, name_key,
       CASE WHEN get_byte(chance, 4) < 170 THEN '+49' || (1500000000 + row) END,
       ($11::text[])[1 + get_byte(chance, 5) % cardinality($11::text[])],
       ($12::text[])[1 + get_byte(chance, 6) % cardinality($12::text[])],
       CASE WHEN get_byte(chance, 7) < 13 THEN 'suspended' ELSE 'active' END,
       1, at, at,
       array_to_tsvector(ARRAY(SELECT substr(key, start, 3)
                               FROM (VALUES (address), (name_key)) AS keys (key),
                                    generate_series(1, length(key) - 1) AS start))
FROM generate_series($1::bigint, $2::bigint - 1) AS row,
     LATERAL (SELECT to_timestamp($3::float8 + row * $4::float8) AS at, md5(row::text) AS hash) AS one,
     LATERAL (SELECT decode(hash, 'hex') AS chance) AS two,
     LATERAL (SELECT 1 + (get_byte(chance, 0) * 256 + get_byte(chance, 1)) % cardinality($5::text[]) AS first,
                     1 + (get_byte(chance, 2) * 256 + get_byte(chance, 3)) % cardinality($8::text[]) AS last) AS three,
     LATERAL (SELECT ($5::text[])[first] || ' ' || ($8::text[])[last] AS name,
                     ($6::text[])[first] || ' ' || ($9::text[])[last] AS name_key,
                     ($7::text[])[first] || '.' || ($10::text[])[last] || row || '@example.com' AS address) AS four
";

/// What a follower of the change feed still sees of them: the feed goes back 30 days.
const FEED: &str = "
INSERT INTO user_changes (kind, at, user_id, email, name, phone, title, department, status, row_version, created_at)
SELECT 'created', created_at, id, email, name, phone, title, department, status, row_version, created_at
FROM users WHERE created_at > now() - interval '30 days' ORDER BY created_at, id
";

/// Fills an empty directory with `count` users; leaves one that holds users as it is.
pub(super) async fn run(url: &str, count: u32) -> Result<()> {
    let client = connect(url).await?;
    refuse_unfinished(&client).await?;
    let present: i64 = client
        .query_one("SELECT count(*) FROM users", &[])
        .await?
        .get(0);
    if present > 0 {
        anstream::eprintln!(
            "seed: the directory holds {present} users already; --fresh begins anew"
        );
        return Ok(());
    }
    let begun = Instant::now();
    mark(&client, Some(UNFINISHED)).await?;
    let indexes = take_indexes(&client).await?;
    insert(url, i64::from(count)).await?;
    let steps = indexes.into_iter().chain([FEED.to_owned()]).collect();
    finish(url, steps).await?;
    client.batch_execute("VACUUM (ANALYZE) users").await?;
    mark(&client, None).await?;
    anstream::eprintln!(
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
    // A seeding that a crash interrupts is thrown away anyway.
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
        let what = "the directory holds a part of an earlier seeding";
        let why = "cargo xtask dev --seed was interrupted; indexes are missing";
        let next = "throw it away: cargo xtask dev --fresh --seed N";
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

/// Drops the indexes that no constraint needs, and gives the statements that make them again.
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

async fn insert(url: &str, count: i64) -> Result<()> {
    let chunks = (0..count)
        .step_by(usize::try_from(ROWS_AT_ONCE)?)
        .map(|from| (from, (from + ROWS_AT_ONCE).min(count)));
    let chunks = Arc::new(Mutex::new(chunks.collect::<VecDeque<_>>()));
    let progress = Arc::new(Progress::rows(count.unsigned_abs()));
    #[allow(
        clippy::cast_precision_loss,
        reason = "a year has fewer microseconds than f64 has exact integers"
    )]
    let step = YEAR_S / count as f64;
    let first = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs_f64() - YEAR_S;
    let mut workers = JoinSet::new();
    for _ in 0..workers_count() {
        let (chunks, progress, client) = (chunks.clone(), progress.clone(), connect(url).await?);
        workers.spawn(async move {
            let statement = client.prepare(INSERT).await?;
            let people = People::new();
            loop {
                let next = chunks
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .pop_front();
                let Some((from, until)) = next else {
                    return Ok(());
                };
                let bounds: [&(dyn ToSql + Sync); 4] = [&from, &until, &first, &step];
                let arrays = people
                    .arrays()
                    .iter()
                    .map(|array| array as &(dyn ToSql + Sync));
                let values: Vec<_> = bounds.into_iter().chain(arrays).collect();
                client.execute(&statement, &values).await?;
                progress.add(until.abs_diff(from));
            }
        });
    }
    joined(workers, "cannot insert the users").await
}

/// Runs the closing statements beside each other: indexes can be made on one table at the same time.
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
    joined(workers, "cannot make the indexes again").await
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
