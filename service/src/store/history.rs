//! Which history of the database a position belongs to. After a restore, or a failover that lost changes, positions are
//! given out again: a position is known where the change at it is still the one that its holder has seen (docs/adr/0064).

use super::columns::RowReader;
use super::sql_error::StoreError;
use crate::domain::{ChangeId, FeedPosition, UserId, Version};
use tokio_postgres::types::ToSql;
use uuid::Uuid;

/// The change at the position of a reader, `a`, beside how far the feed was swept, `s`.
pub(super) fn from_position(position: &str) -> String {
    format!("user_changes_swept s LEFT JOIN user_changes a ON a.position = {position}")
}

/// Whether the feed has the change at a position, and all behind it. Over [`from_position`]; each argument is a parameter
/// with its type.
///
/// Where the change was swept just now, its position is all that is left of it. A position without a change is known by
/// its number.
pub(super) fn is_known(position: &str, user: &str, version: &str) -> String {
    format!(
        "{position} >= s.through AND CASE WHEN a.position IS NULL THEN {position} = s.through \
         ELSE {user} IS NULL OR (a.user_id = {user} AND COALESCE(a.row_version, 0) = {version}) END"
    )
}

/// The newest change, `n`, beside `s`.
pub(super) const NEWEST: &str = "LEFT JOIN LATERAL (SELECT position, user_id, row_version FROM user_changes ORDER BY position DESC LIMIT 1) n ON true";

/// The columns of the newest change, over [`NEWEST`], for [`read_position`].
pub(super) const NEWEST_COLUMNS: &str = "COALESCE(n.position, s.through), n.user_id, n.row_version";

/// Reads a position, the user of its change and the version; an empty feed has no change. Deletions that were written by
/// former releases have no version.
pub(super) fn read_position(row: &mut RowReader<'_>) -> Result<FeedPosition, StoreError> {
    let (position, user): (i64, Option<Uuid>) = (row.read()?, row.read()?);
    let version: Option<i64> = row.read()?;
    let change = user.map(|user| ChangeId {
        user: UserId(user),
        version: Version(version.unwrap_or(0)),
    });
    Ok(FeedPosition { position, change })
}

/// A position as the three parameters of [`is_known`].
#[derive(Clone, Copy)]
pub(super) struct PositionParameters {
    position: Option<i64>,
    user: Option<Uuid>,
    version: Option<i64>,
}

impl PositionParameters {
    pub(super) fn of(position: Option<FeedPosition>) -> Self {
        let change = position.and_then(|position| position.change);
        Self {
            position: position.map(|position| position.position),
            user: change.map(|change| change.user.0),
            version: change.map(|change| change.version.0),
        }
    }

    pub(super) fn values(&self) -> [&(dyn ToSql + Sync); 3] {
        [&self.position, &self.user, &self.version]
    }
}
