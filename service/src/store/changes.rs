//! The change feed: what was committed, in the order of commits.
//!
//! Positions are given out under a lock that is held until the commit (`write_batch`), so whoever sees a position
//! sees every lower one that will ever be: reading on from the last one seen skips nothing.

use super::columns::{RowReader, profile};
use super::observed::Statement;
use super::pool::{self, Object, Pool};
use super::sql_error::StoreError;
use crate::domain::{Change, ChangeKind, ChangePage, User, UserId, Version};
use std::sync::LazyLock;
use tokio_postgres::Row;

static READ: LazyLock<String> = LazyLock::new(|| {
    let profile = profile("c.");
    format!(
        "
SELECT s.through, c.position, c.kind, c.at, c.user_id, c.row_version, c.created_at, {profile}
FROM user_changes_swept s
LEFT JOIN LATERAL (
    SELECT * FROM user_changes WHERE position > COALESCE($1, s.through) ORDER BY position LIMIT $2
) c ON true
ORDER BY c.position"
    )
});

/// Up to `limit` changes after the position `after`, or from where the feed begins;
/// `None` when the feed no longer reaches back to there.
pub(super) async fn read(
    pool: &Pool,
    after: Option<i64>,
    limit: u8,
) -> Result<Option<ChangePage>, StoreError> {
    let rows = pool::with_client(pool, |guard| async move {
        let running = pool.observed.begin(Statement::ReadChanges);
        let rows = running.end(query(guard.client(), after, limit).await);
        (guard, rows)
    })
    .await?;
    let Some(first) = rows.first() else {
        return Err(StoreError::Row("user_changes_swept is empty".into()));
    };
    let swept_through: i64 = first.try_get(0)?;
    if after.is_some_and(|after| after < swept_through) {
        return Ok(None);
    }
    let mut changes = Vec::with_capacity(rows.len());
    for row in &rows {
        let mut row = RowReader::new(row);
        let _through: i64 = row.read()?;
        if let Some(position) = row.read()? {
            changes.push(read_change(&mut row, position)?);
        }
    }
    let seen_through = changes
        .last()
        .map_or(after.unwrap_or(swept_through), |change| change.position);
    Ok(Some(ChangePage {
        changes,
        seen_through,
    }))
}

async fn query(client: &Object, after: Option<i64>, limit: u8) -> Result<Vec<Row>, StoreError> {
    let statement = client.prepare_cached(&READ).await?;
    Ok(client
        .query(&statement, &[&after, &i64::from(limit)])
        .await?)
}

/// Reads a change, behind its position.
fn read_change(row: &mut RowReader<'_>, position: i64) -> Result<Change, StoreError> {
    let kind: &str = row.read()?;
    let kind = ChangeKind::parse(kind)
        .ok_or_else(|| StoreError::Row(format!("unknown kind of change {kind:?}")))?;
    let at = row.time()?;
    let id = UserId(row.read()?);
    let user = match kind {
        ChangeKind::Deleted => None,
        ChangeKind::Created | ChangeKind::Updated => Some(User {
            id,
            version: Version(row.read()?),
            created_at: row.time()?,
            profile: row.profile()?,
            updated_at: at,
        }),
    };
    Ok(Change {
        position,
        kind,
        at,
        id,
        user,
    })
}
