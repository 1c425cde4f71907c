//! The change feed: what was committed, in the order of commits.
//!
//! Positions are given out under a lock that is held until the commit (`write_batch`), so a reader that sees a position
//! sees every lower one that will ever be: reading on from the last one seen skips nothing.

use super::columns::{RowReader, profile};
use super::history::{PositionParameters, from_position, is_known, read_position};
use super::observed::Statement;
use super::pool::{self, Object, Pool};
use super::sql_error::StoreError;
use crate::domain::{Actor, Change, ChangeKind, ChangePage, FeedPosition, User};
use std::sync::LazyLock;
use tokio_postgres::Row;

static READ: LazyLock<String> = LazyLock::new(|| {
    let (profile, from_position) = (profile("c."), from_position("$1"));
    let is_known = is_known("$1", "$2::uuid", "$3::bigint");
    format!(
        "
SELECT $1::bigint IS NULL OR ({is_known}), s.through,
       c.position, c.user_id, c.row_version, c.kind, c.at, c.actor, c.created_at, {profile}
FROM {from_position}
LEFT JOIN LATERAL (
    SELECT * FROM user_changes WHERE position > COALESCE($1, s.through) ORDER BY position LIMIT $4
) c ON true
ORDER BY c.position"
    )
});

/// Up to `limit` changes after the position `after`, or from where the feed begins;
/// `None` when the feed no longer reaches back to there, or has another change there.
pub(super) async fn read(
    pool: &Pool,
    after: Option<FeedPosition>,
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
    let mut first = RowReader::new(first);
    let (is_known, swept_through): (bool, i64) = (first.read()?, first.read()?);
    let is_empty = first.read::<Option<i64>>()?.is_none();
    if !is_known {
        return Ok(None);
    }
    let mut changes = Vec::with_capacity(rows.len());
    if !is_empty {
        for row in &rows {
            changes.push(read_change(&mut RowReader::behind(2, row))?);
        }
    }
    let beginning = FeedPosition {
        position: swept_through,
        change: None,
    };
    let seen_through = changes
        .last()
        .map_or(after.unwrap_or(beginning), |change: &Change| {
            change.position
        });
    Ok(Some(ChangePage {
        changes,
        seen_through,
    }))
}

async fn query(
    client: &Object,
    after: Option<FeedPosition>,
    limit: u8,
) -> Result<Vec<Row>, StoreError> {
    let statement = client.prepare_cached(&READ).await?;
    let after = PositionParameters::of(after);
    let [position, user, version] = after.values();
    Ok(client
        .query(&statement, &[position, user, version, &i64::from(limit)])
        .await?)
}

fn read_change(row: &mut RowReader<'_>) -> Result<Change, StoreError> {
    let position = read_position(row)?;
    let id = position
        .change
        .ok_or_else(|| StoreError::Row("a change of no user".into()))?;
    let kind: &str = row.read()?;
    let kind = ChangeKind::parse(kind)
        .ok_or_else(|| StoreError::Row(format!("unknown kind of change {kind:?}")))?;
    let at = row.time()?;
    let actor = row
        .read::<Option<&str>>()?
        .map(|name| Actor::new(name.into()));
    let user = match kind {
        ChangeKind::Deleted => None,
        ChangeKind::Created | ChangeKind::Updated => Some(User {
            id: id.user,
            version: id.version,
            created_at: row.time()?,
            profile: row.profile()?,
            updated_at: at,
        }),
    };
    Ok(Change {
        position,
        kind,
        at,
        actor,
        id: id.user,
        user,
    })
}
