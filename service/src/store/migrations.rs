//! Migrates the schema to the version of this program, and checks whether an existing schema is compatible. What is
//! written in the files, and which rules they keep, is in `service/migrations/README.md`.

mod apply;
mod history;
mod privileges;
#[cfg(test)]
mod tests;

use super::connector::{Connector, PoolSettings};
use super::sql_error::StoreError;
use refinery::Migration;
use tokio_postgres::Client;

pub use privileges::Lacking;

mod embedded {
    refinery::embed_migrations!("migrations");
}

/// The version that this program brings the schema to: that of the newest file. Said here, since the library would have
/// to be asked to read the names of all files, which takes a third of the time of a start. Files are numbered without gaps.
const WANTED_VERSION: i32 = 9;

/// The oldest schema that this program can work with: its statements name `imports`, which V9 adds.
const OLDEST_WORKABLE: i32 = 9;

/// Why the schema cannot be worked with.
#[derive(Debug, thiserror::Error)]
pub enum SchemaError {
    /// The database could not be asked.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// There is no schema of Roster in this database.
    #[error(
        "the database has no schema of Roster; this program wants version {wanted}: run 'roster migrate'"
    )]
    Missing {
        /// The version this program wants.
        wanted: i32,
    },
    /// The schema is too old.
    #[error("the schema has version {found}, this program wants {wanted}: run 'roster migrate'")]
    TooOld {
        /// The version of the schema.
        found: i32,
        /// The version this program wants.
        wanted: i32,
    },
    /// Migrations were never applied although newer ones were: they were merged late.
    #[error(
        "the schema has version {found}, but {skipped} was never applied: it was numbered below what was there already; \
         give it the next free number, so that it comes after V{found}"
    )]
    Skipped {
        /// The file, or the version, that was skipped.
        skipped: String,
        /// The newest version that was applied.
        found: i32,
    },
    /// A migration was applied that this program does not have, although it has newer ones.
    #[error(
        "the schema has {applied}, which this program does not have: it was built without that file, or the file was renumbered after it was applied"
    )]
    Unknown {
        /// The migration that was applied.
        applied: String,
    },
    /// An applied file was edited.
    #[error(
        "{applied} was edited after it was applied: restore the file, and put the change into a new one"
    )]
    Edited {
        /// The migration that was applied.
        applied: String,
    },
    /// The role may not do what it has to.
    #[error(transparent)]
    Privileges(#[from] Lacking),
    /// Others hold a lock that a migration needs.
    #[error(
        "{migration} was not applied: others held a lock that it needs for {seconds} s (it waits no longer than {wait_ms} ms at a time, \
         since requests wait behind it); see pg_stat_activity for long transactions, end them, and run 'roster migrate' again"
    )]
    Locked {
        /// The migration.
        migration: String,
        /// How long it was tried.
        seconds: u64,
        /// How long each attempt waited.
        wait_ms: u128,
    },
    /// A migration failed.
    #[error("{migration} failed{effect}: {why}")]
    Failed {
        /// The migration.
        migration: String,
        /// What became of it.
        effect: &'static str,
        /// What `PostgreSQL` said.
        why: String,
    },
}

/// What `migrate` did.
#[derive(Debug)]
pub struct Migrated {
    /// The migrations that were applied, in order.
    pub applied: Vec<String>,
    /// The version that the schema has now.
    pub version: i32,
}

/// Applies what is missing. Safe to run from several replicas at once, and to run again after it was interrupted.
/// `report` is called with a line for a person whenever something begins or has to wait.
///
/// # Errors
/// Names the migration and what to do.
pub async fn migrate(
    settings: &PoolSettings,
    report: impl Fn(&str),
) -> Result<Migrated, SchemaError> {
    migrate_files(settings, embedded_files(), report).await
}

/// As [`migrate`], with these files instead of the program's own: for rehearsals.
///
/// # Errors
/// As [`migrate`]; or when a name is not of the form `V<number>__<name>`.
pub async fn rehearse(
    settings: &PoolSettings,
    files: &[(&str, &str)],
    report: impl Fn(&str),
) -> Result<Migrated, SchemaError> {
    let unnamed = |(name, sql): &(&str, &str)| {
        Migration::unapplied(name, sql).map_err(|error| SchemaError::Failed {
            migration: (*name).to_owned(),
            effect: "",
            why: error.to_string(),
        })
    };
    let more: Vec<Migration> = files.iter().map(unnamed).collect::<Result<_, _>>()?;
    let all = embedded_files().into_iter().chain(more).collect();
    migrate_files(settings, all, report).await
}

fn embedded_files() -> Vec<Migration> {
    embedded::migrations::runner().get_migrations().clone()
}

async fn migrate_files(
    settings: &PoolSettings,
    mut files: Vec<Migration>,
    report: impl Fn(&str),
) -> Result<Migrated, SchemaError> {
    files.sort_by_key(Migration::version);
    let opened = Connector::new(settings)?
        .open()
        .await
        .map_err(StoreError::from)?;
    let mut client = opened.client;
    let connection = tokio::spawn(opened.connection);
    let outcome = apply::all(&mut client, settings.limits.store_timeout, &files, &report).await;
    drop(client);
    // It ends with the session, whose end releases the lock.
    let _ = tokio::time::timeout(settings.limits.connect_timeout, connection).await;
    outcome
}

/// Whether this program can work with the schema as it is, and the role may do what it has to. A newer schema is taken:
/// migrations expand before they contract.
pub async fn check(client: &Client) -> Result<(), SchemaError> {
    let wanted = WANTED_VERSION;
    privileges::check(client).await?;
    let applied = history::versions(client).await?;
    let Some(found) = applied.last().copied() else {
        return Err(SchemaError::Missing { wanted });
    };
    let mut due = 1..=found.min(wanted);
    if let Some(skipped) = due.find(|version| !applied.contains(version)) {
        let skipped = format!("V{skipped}");
        return Err(SchemaError::Skipped { skipped, found });
    }
    if found < OLDEST_WORKABLE.min(wanted) {
        return Err(SchemaError::TooOld { found, wanted });
    }
    Ok(())
}
