//! The end of a synchronisation: users that were there before it and are not in it.

use super::PgImport;
use super::import_sql;
use crate::domain::{AbsentUsers, DirectoryError, Profile, Timestamp, User, UserId, UserStatus};
use crate::store::columns::{Micros, RowReader};
use crate::store::deadline::within_deadline;
use crate::store::pool::Object;
use crate::store::sql_error::StoreError;
use crate::store::work::{Work, WriteOutcome};
use crate::store::write_batch;
use std::time::Duration;
use tokio::time::Instant;
use tokio_postgres::types::{ToSql, Type};

/// The longest that the absent users are looked for.
const SEARCH: Duration = Duration::from_mins(10);

/// Lets the statements behind it read whole tables, planned for their values.
fn search() -> String {
    format!(
        "BEGIN READ ONLY; SET LOCAL statement_timeout = {}; SET LOCAL enable_seqscan = on; \
         SET LOCAL plan_cache_mode = auto",
        SEARCH.as_millis()
    )
}

async fn find(
    client: &Object,
    sql: &str,
    parameters: &[(&(dyn ToSql + Sync), Type)],
) -> Result<Vec<tokio_postgres::Row>, StoreError> {
    client.batch_execute(&search()).await?;
    let rows = client.query_typed(sql, parameters).await?;
    client.batch_execute("COMMIT").await?;
    Ok(rows)
}

fn suspended(profile: &Profile) -> Profile {
    Profile {
        status: UserStatus::Suspended,
        ..profile.clone()
    }
}

impl PgImport {
    pub(super) async fn count_absent_users(&mut self, how: AbsentUsers) -> Result<u64, StoreError> {
        let connection = self.take_connection().await?;
        let (at, suspends) = (Micros::from(self.started_at), how == AbsentUsers::Suspend);
        let parameters: [(&(dyn ToSql + Sync), Type); 3] = [
            (&self.id, Type::UUID),
            (&at, Type::TIMESTAMPTZ),
            (&suspends, Type::BOOL),
        ];
        let counting = find(connection.client(), &import_sql::COUNT_ABSENT, &parameters);
        let rows = within_deadline(&self.pool, Instant::now() + SEARCH, counting).await?;
        let count: i64 = rows.first().map_or(Ok(0), |row| row.try_get(0))?;
        self.put_back(connection);
        Ok(u64::try_from(count).unwrap_or(0))
    }

    pub(super) async fn remove_absent_users(
        &mut self,
        how: AbsentUsers,
        at: Timestamp,
    ) -> Result<u64, DirectoryError> {
        let users = self.read_absent_users(how).await?;
        let Some(last) = users.last() else {
            return Ok(0);
        };
        let stamp = self.stamp(at);
        let works: Vec<Work> = users
            .iter()
            .map(|user| match how {
                AbsentUsers::Delete => Work::Delete {
                    id: user.id,
                    expected: None,
                    stamp: stamp.clone(),
                },
                AbsentUsers::Suspend => Work::Replace {
                    id: user.id,
                    profile: suspended(&user.profile),
                    expected: Some(user.version),
                    stamp: stamp.clone(),
                },
            })
            .collect();
        let connection = self.take_connection().await?;
        let writing = self.remove(connection.client(), &works, at);
        let outcomes = within_deadline(&self.pool, self.deadline(), writing).await?;
        self.put_back(connection);
        self.removed_through = last.id.0;
        let mut removed = 0;
        for (user, outcome) in users.iter().zip(outcomes) {
            match outcome {
                WriteOutcome::Deleted | WriteOutcome::Replaced { .. } => removed += 1,
                WriteOutcome::NotFound => {}
                // Locked, or changed since it was read: like any other client's write.
                _ => {
                    if self.remove_single(how, user.id, at).await? {
                        removed += 1;
                    }
                }
            }
        }
        self.progress.counts.removed += removed;
        Ok(users.len() as u64)
    }

    async fn read_absent_users(&mut self, how: AbsentUsers) -> Result<Vec<User>, StoreError> {
        let connection = self.take_connection().await?;
        let (at, suspends) = (Micros::from(self.started_at), how == AbsentUsers::Suspend);
        let parameters: [(&(dyn ToSql + Sync), Type); 4] = [
            (&self.id, Type::UUID),
            (&at, Type::TIMESTAMPTZ),
            (&suspends, Type::BOOL),
            (&self.removed_through, Type::UUID),
        ];
        let reading = find(connection.client(), &import_sql::READ_ABSENT, &parameters);
        let rows = within_deadline(&self.pool, Instant::now() + SEARCH, reading).await?;
        self.put_back(connection);
        rows.iter().map(|row| RowReader::new(row).user()).collect()
    }

    /// Removes users in one transaction, in which they are counted too.
    async fn remove(
        &self,
        client: &Object,
        works: &[Work],
        at: Timestamp,
    ) -> Result<Vec<WriteOutcome>, StoreError> {
        let outcomes = Box::pin(write_batch::run_open(client, works)).await?;
        let is_removed = |outcome: &&WriteOutcome| {
            matches!(
                outcome,
                WriteOutcome::Deleted | WriteOutcome::Replaced { .. }
            )
        };
        let removed = outcomes.iter().filter(is_removed).count();
        let removed = i64::try_from(removed).unwrap_or(i64::MAX);
        let statement = client.prepare_cached(import_sql::REMOVED).await?;
        client
            .execute(&statement, &[&self.id, &removed, &Micros::from(at)])
            .await?;
        client.batch_execute("COMMIT").await?;
        Ok(outcomes)
    }

    async fn remove_single(
        &self,
        how: AbsentUsers,
        id: UserId,
        at: Timestamp,
    ) -> Result<bool, DirectoryError> {
        let stamp = self.stamp(at);
        let removed = match how {
            AbsentUsers::Delete => self.writes.delete(id, None, stamp).await,
            AbsentUsers::Suspend => {
                let suspend = |user: &User| Ok::<_, DirectoryError>(suspended(&user.profile));
                let replaced = self.writes.replace_with(id, stamp, suspend);
                replaced.await.map(drop)
            }
        };
        match removed {
            Ok(()) => Ok(true),
            Err(DirectoryError::UserNotFound) => Ok(false),
            Err(error) => Err(error),
        }
    }
}
