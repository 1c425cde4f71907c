//! The change feed: what was committed, in the order of commits.
//!
//! Positions are given out under a lock that is held until the commit (`write_batch`), so whoever sees a position
//! sees every lower one that will ever be: reading on from the last one seen skips nothing.

use super::observed::Statement;
use super::pool::{self, Object, Pool};
use super::sql_error::StoreError;
use super::user_row::{read_profile, read_time};
use crate::domain::{Change, ChangeKind, ChangePage, User, UserId, Version};
use tokio_postgres::Row;

const READ: &str = "
SELECT s.through, c.position, c.kind, c.at, c.user_id,
       c.email, c.name, c.phone, c.title, c.department, c.status, c.row_version, c.created_at
FROM user_changes_swept s
LEFT JOIN LATERAL (
    SELECT * FROM user_changes WHERE position > COALESCE($1, s.through) ORDER BY position LIMIT $2
) c ON true
ORDER BY c.position";

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
        if let Some(position) = row.try_get(1)? {
            changes.push(read_change(row, position)?);
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
    let statement = client.prepare_cached(READ).await?;
    Ok(client
        .query(&statement, &[&after, &i64::from(limit)])
        .await?)
}

fn read_change(row: &Row, position: i64) -> Result<Change, StoreError> {
    let kind: &str = row.try_get(2)?;
    let kind = ChangeKind::parse(kind)
        .ok_or_else(|| StoreError::Row(format!("unknown kind of change {kind:?}")))?;
    let at = read_time(row, 3)?;
    let id = UserId(row.try_get(4)?);
    let user = match kind {
        ChangeKind::Deleted => None,
        ChangeKind::Created | ChangeKind::Updated => Some(User {
            id,
            profile: read_profile(row, 5)?,
            version: Version(row.try_get(11)?),
            created_at: read_time(row, 12)?,
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
