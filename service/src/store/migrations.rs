//! Brings the schema to the version of this program, and tells whether a schema that is there can be worked with.

use super::sql_error::StoreError;
use super::{connector::Connector, pool::PoolSettings};
use refinery::Target;
use tokio_postgres::Client;

mod embedded {
    refinery::embed_migrations!("migrations");
}

/// Held while migrations are applied, so that replicas that start together do it one after the other.
const ADVISORY_LOCK: i64 = 0x0052_4f53_5445_5201;

/// The version that this program brings the schema to: that of the newest file. Said here, since the library would have
/// to be asked to read the names of all files, which takes a third of the time of a start.
const WANTED_VERSION: i32 = 4;

/// The oldest schema that this program can work with: the one before the last, so that a rollout may run both.
const OLDEST_WORKABLE: i32 = 3;

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
    /// A migration failed.
    #[error("a migration failed and was rolled back: {0}")]
    Failed(String),
}

/// What `migrate` did.
#[derive(Debug)]
pub struct Migrated {
    /// The migrations that were applied, in order.
    pub applied: Vec<String>,
    /// The version that the schema has now.
    pub version: i32,
}

/// Applies what is missing. Safe to run from several replicas at once.
pub async fn migrate(settings: &PoolSettings) -> Result<Migrated, SchemaError> {
    let (mut client, connection) = Connector::new(settings)?
        .open()
        .await
        .map_err(StoreError::from)?;
    let connection = tokio::spawn(connection);
    // Building an index on a large table takes longer than any request may.
    let unbounded = format!(
        "SET statement_timeout = 0; SET lock_timeout = 0; SET idle_in_transaction_session_timeout = 0; SELECT pg_advisory_lock({ADVISORY_LOCK})"
    );
    client
        .batch_execute(&unbounded)
        .await
        .map_err(StoreError::from)?;
    let report = embedded::migrations::runner()
        .set_target(Target::Latest)
        // A newer schema than this program's is what a rollback meets: nothing is to be done then.
        .set_abort_missing(false)
        .run_async(&mut client)
        .await
        .map_err(|error| SchemaError::Failed(with_causes(&error)))?;
    let version = found_version(&client).await?.unwrap_or(0);
    drop(client);
    connection.abort();
    Ok(Migrated {
        applied: report
            .applied_migrations()
            .iter()
            .map(ToString::to_string)
            .collect(),
        version,
    })
}

/// Whether this program can work with the schema as it is. A newer one is taken: migrations expand before they contract.
pub async fn check(client: &Client) -> Result<(), SchemaError> {
    let wanted = WANTED_VERSION;
    match found_version(client).await? {
        None => Err(SchemaError::Missing { wanted }),
        Some(found) if found < OLDEST_WORKABLE.min(wanted) => {
            Err(SchemaError::TooOld { found, wanted })
        }
        Some(_) => Ok(()),
    }
}

async fn found_version(client: &Client) -> Result<Option<i32>, StoreError> {
    let exists: bool = client
        .query_one(
            "SELECT to_regclass('refinery_schema_history') IS NOT NULL",
            &[],
        )
        .await?
        .try_get(0)?;
    if !exists {
        return Ok(None);
    }
    Ok(client
        .query_one("SELECT max(version) FROM refinery_schema_history", &[])
        .await?
        .try_get(0)?)
}

fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{WANTED_VERSION, embedded};
    use refinery::Migration;

    #[test]
    fn the_version_that_is_wanted_is_that_of_the_newest_migration() {
        let runner = embedded::migrations::runner();
        let newest = runner.get_migrations().iter().map(Migration::version).max();
        assert_eq!(newest, Some(WANTED_VERSION));
    }
}
