//! Applies migrations one after the other: in a transaction, or, where a file says so, as one statement outside of any.

use super::history::{self, Applied};
use super::privileges;
use super::{Migrated, SchemaError};
use crate::store::sql_error::StoreError;
use crate::store::without_values::WithoutValues;
use refinery::{Migration, Runner, Target};
use std::time::{Duration, Instant};
use tokio_postgres::Client;
use tokio_postgres::error::SqlState;

/// Held while migrations are applied, so that replicas that start together do it one after the other.
const ADVISORY_LOCK: i64 = 0x0052_4f53_5445_5201;
/// How often it is asked for. A session that waits inside of `pg_advisory_lock` would hold a snapshot meanwhile, which
/// `CREATE INDEX CONCURRENTLY` of the one that holds the lock waits for.
const LOCK_POLL: Duration = Duration::from_millis(250);
const LOCK_REPORT: Duration = Duration::from_secs(15);

/// The first line of a file whose one statement `PostgreSQL` does not run in a transaction.
pub(super) const OUTSIDE: &str = "-- migrate: outside of a transaction";

/// How long a migration may wait for a table: requests for it wait behind it.
const TABLE_LOCK_WAIT: Duration = Duration::from_millis(300);
/// The pause before it is tried again, and how long in all.
const TABLE_LOCK_PAUSE: Duration = Duration::from_secs(1);
const TABLE_LOCK_LIMIT: Duration = Duration::from_mins(10);

/// Applies what is due of `files`, which are in order. `limit` bounds every question that is not a migration itself.
pub(super) async fn all(
    client: &mut Client,
    limit: Duration,
    files: &[Migration],
    report: &impl Fn(&str),
) -> Result<Migrated, SchemaError> {
    // A migration may take longer than any request, and reads whole tables.
    let settings = "SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0; SET enable_seqscan = on";
    within(limit, client.batch_execute(settings)).await?;
    lock(client, limit, report).await?;
    let before = bounded(limit, history::read(client)).await?;
    let due = history::due(files, &before)?;
    if !due.is_empty() {
        bounded_check(limit, privileges::check_owner(client)).await?;
    }
    let mut applied = Vec::new();
    for migration in due {
        report(&format!("applying {migration}"));
        if is_outside(migration) {
            outside_of_transaction(client, limit, files, migration, report).await?;
        } else {
            in_transaction(client, files, migration, report).await?;
        }
        applied.push(migration.to_string());
    }
    let after: Vec<Applied> = bounded(limit, history::read(client)).await?;
    Ok(Migrated {
        applied,
        version: after.last().map_or(0, |last| last.version),
    })
}

/// Whether the file says that it is one statement to be run outside of a transaction.
pub(super) fn is_outside(migration: &Migration) -> bool {
    let sql = migration.sql().unwrap_or("");
    sql.lines()
        .next()
        .is_some_and(|line| line.trim_end() == OUTSIDE)
}

async fn within<T>(
    limit: Duration,
    work: impl Future<Output = Result<T, tokio_postgres::Error>>,
) -> Result<T, StoreError> {
    bounded(limit, async { Ok(work.await?) }).await
}

async fn bounded<T>(
    limit: Duration,
    work: impl Future<Output = Result<T, StoreError>>,
) -> Result<T, StoreError> {
    let outcome = tokio::time::timeout(limit, work).await;
    outcome.unwrap_or(Err(StoreError::TimedOut))
}

async fn bounded_check(
    limit: Duration,
    work: impl Future<Output = Result<(), SchemaError>>,
) -> Result<(), SchemaError> {
    let outcome = tokio::time::timeout(limit, work).await;
    outcome.unwrap_or(Err(SchemaError::Store(StoreError::TimedOut)))
}

async fn lock(client: &Client, limit: Duration, report: &impl Fn(&str)) -> Result<(), StoreError> {
    let mut reported: Option<Instant> = None;
    loop {
        let ask = client.query_one("SELECT pg_try_advisory_lock($1)", &[&ADVISORY_LOCK]);
        if within(limit, ask).await?.try_get(0)? {
            return Ok(());
        }
        if reported.is_none_or(|at| at.elapsed() >= LOCK_REPORT) {
            report("waiting: another 'roster migrate' is at work on this database");
            reported = Some(Instant::now());
        }
        tokio::time::sleep(LOCK_POLL).await;
    }
}

/// Lets refinery apply one migration and write it down, in one transaction. Tables are waited for a little at a time.
async fn in_transaction(
    client: &mut Client,
    files: &[Migration],
    migration: &Migration,
    report: &impl Fn(&str),
) -> Result<(), SchemaError> {
    let began = Instant::now();
    let wait_ms = TABLE_LOCK_WAIT.as_millis();
    let setting = format!("SET lock_timeout = {wait_ms}");
    client
        .batch_execute(&setting)
        .await
        .map_err(StoreError::from)?;
    let mut is_reported = false;
    loop {
        let outcome = runner(files, Target::Version(migration.version()))
            .run_async(client)
            .await;
        let Err(error) = outcome else { return Ok(()) };
        let cause = postgres_cause(&error);
        let code = cause.and_then(tokio_postgres::Error::code);
        let is_lock = code.is_some_and(|code| {
            [
                SqlState::LOCK_NOT_AVAILABLE,
                SqlState::T_R_DEADLOCK_DETECTED,
            ]
            .contains(code)
        });
        if !is_lock {
            return Err(SchemaError::Failed {
                migration: migration.to_string(),
                effect: " and was rolled back",
                why: cause.map_or_else(|| error.to_string(), reason),
            });
        }
        if began.elapsed() >= TABLE_LOCK_LIMIT {
            return Err(SchemaError::Locked {
                migration: migration.to_string(),
                seconds: began.elapsed().as_secs(),
                wait_ms,
            });
        }
        if !std::mem::replace(&mut is_reported, true) {
            report(&format!(
                "{migration} waits for a lock that others hold; trying again every second"
            ));
        }
        tokio::time::sleep(TABLE_LOCK_PAUSE).await;
    }
}

/// Runs the one statement of a migration, and has refinery write it down. Interrupted in between, it is run again: the
/// statement is one that may be (`IF NOT EXISTS`), and an index that was left invalid is dropped before.
async fn outside_of_transaction(
    client: &mut Client,
    limit: Duration,
    files: &[Migration],
    migration: &Migration,
    report: &impl Fn(&str),
) -> Result<(), SchemaError> {
    // It takes weak locks alone, and waits for transactions to end: as long as they take.
    within(limit, client.batch_execute("SET lock_timeout = 0")).await?;
    let sql = migration.sql().unwrap_or("");
    drop_invalid_indexes(client, sql, report).await?;
    if let Err(error) = client.batch_execute(sql).await {
        // An invalid index serves no query, but every write pays for it.
        if !error.is_closed() {
            drop_invalid_indexes(client, sql, report).await?;
        }
        return Err(SchemaError::Failed {
            migration: migration.to_string(),
            effect: "; run 'roster migrate' again to go on from here",
            why: reason(&error),
        });
    }
    let written = runner(files, Target::FakeVersion(migration.version()))
        .run_async(client)
        .await;
    written.map(drop).map_err(|error| SchemaError::Failed {
        migration: migration.to_string(),
        effect: ", after its statement had succeeded; run 'roster migrate' again to go on from here",
        why: postgres_cause(&error).map_or_else(|| error.to_string(), reason),
    })
}

/// Drops the indexes that `sql` names and that an interrupted `CREATE INDEX CONCURRENTLY` left invalid.
async fn drop_invalid_indexes(
    client: &Client,
    sql: &str,
    report: &impl Fn(&str),
) -> Result<(), StoreError> {
    let rows = client
        .query(
            "SELECT c.relname::text, format('%I.%I', n.nspname, c.relname) \
             FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace \
             WHERE NOT i.indisvalid AND c.relkind = 'i' AND pg_table_is_visible(c.oid)",
            &[],
        )
        .await?;
    for row in &rows {
        let (name, quoted): (&str, &str) = (row.try_get(0)?, row.try_get(1)?);
        let is_word = |character: char| character.is_alphanumeric() || character == '_';
        if sql
            .split(|character| !is_word(character))
            .any(|word| word == name)
        {
            report(&format!(
                "dropping the index {name}, which was left invalid"
            ));
            client
                .batch_execute(&format!("DROP INDEX CONCURRENTLY IF EXISTS {quoted}"))
                .await?;
        }
    }
    Ok(())
}

/// What is due was decided before: of these files refinery applies all up to the target that are not.
fn runner(files: &[Migration], target: Target) -> Runner {
    // A newer schema than this program's is what a rollback meets: nothing is to be done then.
    Runner::new(files)
        .set_target(target)
        .set_abort_missing(false)
}

fn postgres_cause(error: &refinery::Error) -> Option<&tokio_postgres::Error> {
    match error.kind() {
        refinery::error::Kind::Connection(_, cause) => cause.downcast_ref(),
        _ => None,
    }
}

fn reason(error: &tokio_postgres::Error) -> String {
    WithoutValues(error).to_string()
}
