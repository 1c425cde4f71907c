//! Which migrations were applied, and which are due. Must not know how they are applied.

use super::SchemaError;
use crate::store::sql_error::StoreError;
use refinery::Migration;
use tokio_postgres::Client;

/// A migration that was applied.
#[derive(Clone, Debug)]
pub(super) struct Applied {
    pub(super) version: i32,
    pub(super) name: String,
    /// Of the file, as refinery keeps it.
    pub(super) checksum: String,
}

impl Applied {
    fn file(&self) -> String {
        format!("V{}__{}", self.version, self.name)
    }
}

/// The versions that were applied, in order; empty when there is no schema.
pub(super) async fn versions(client: &Client) -> Result<Vec<i32>, StoreError> {
    let applied = read(client).await?;
    Ok(applied.iter().map(|applied| applied.version).collect())
}

/// What was applied, in order.
pub(super) async fn read(client: &Client) -> Result<Vec<Applied>, StoreError> {
    let exists = client
        .query_one(
            "SELECT to_regclass('refinery_schema_history') IS NOT NULL",
            &[],
        )
        .await?;
    if !exists.try_get::<_, bool>(0)? {
        return Ok(Vec::new());
    }
    let rows = client
        .query(
            "SELECT version, name, checksum FROM refinery_schema_history ORDER BY version",
            &[],
        )
        .await?;
    let applied = rows.iter().map(|row| {
        Ok(Applied {
            version: row.try_get(0)?,
            name: row.try_get(1)?,
            checksum: row.try_get(2)?,
        })
    });
    applied.collect()
}

/// The migrations that are to be applied, in order.
///
/// # Errors
/// When what was applied is not what these files say: one of them was skipped, is missing here or was edited. Only what is
/// newer than all of them is not looked at: it is what a program after this one has applied.
pub(super) fn due<'a>(
    files: &'a [Migration],
    applied: &[Applied],
) -> Result<Vec<&'a Migration>, SchemaError> {
    let newest = files.last().map_or(0, Migration::version);
    let found = applied.last().map_or(0, |applied| applied.version);
    for past in applied.iter().filter(|past| past.version <= newest) {
        let file = files.iter().find(|file| file.version() == past.version);
        let file = file.ok_or_else(|| SchemaError::Unknown {
            applied: past.file(),
        })?;
        if file.name() != past.name || file.checksum().to_string() != past.checksum {
            return Err(SchemaError::Edited {
                applied: past.file(),
            });
        }
    }
    let is_applied = |file: &Migration| applied.iter().any(|past| past.version == file.version());
    let due: Vec<&Migration> = files.iter().filter(|file| !is_applied(file)).collect();
    match due.first() {
        Some(first) if first.version() < found => Err(SchemaError::Skipped {
            skipped: first.to_string(),
            found,
        }),
        _ => Ok(due),
    }
}
