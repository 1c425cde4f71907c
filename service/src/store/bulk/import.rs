//! An import: each batch is one transaction of the statements that every write is made of (`write_batch`), which also moves
//! the import on. So a batch is either in the directory, in the feed and counted, or none of these.
//!
//! Who has an address is looked up before the transaction, which holds the lock that every writer needs. What changes in
//! between is found by the write itself, and the batch is tried again.

use super::import_sql;
use super::lookup::look_up;
use super::part::{Attempt, Part};
use crate::domain::{
    AbsentUsers, Created, DirectoryError, Import, ImportBatch, ImportClaim, ImportCounts,
    ImportMark, ImportMode, ImportOutcome, ImportProgress, Profile, Stamp, Timestamp, User, UserId,
};
use crate::store::PgUserStore;
use crate::store::columns::{Micros, RowReader};
use crate::store::deadline::within_deadline;
use crate::store::idempotency::KeyInProgress;
use crate::store::limits::Limits;
use crate::store::pool::{self, DiscardUnlessDone, Pool};
use crate::store::sql_error::StoreError;
use crate::store::writes::GroupedWrites;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep};
use uuid::Uuid;

/// How often a batch is tried before what stands in its way is written by itself.
const ATTEMPTS: u32 = 5;
/// The first pause between two attempts; a write of one user holds its row for about as long.
const PAUSE: Duration = Duration::from_millis(3);

/// An import that is being made.
pub struct PgImport {
    pub(super) pool: Pool,
    /// Where its own connection comes from.
    connections: Pool,
    limits: Limits,
    pub(super) writes: Arc<GroupedWrites>,
    /// Discarded in the end: its session is set up for this.
    connection: Option<DiscardUnlessDone>,
    pub(super) id: Uuid,
    pub(super) claim: ImportClaim,
    pub(super) started_at: Timestamp,
    pub(super) progress: ImportProgress,
    /// Up to where the report was read.
    reported: i64,
    /// Up to which id absent users were removed.
    pub(super) removed_through: Uuid,
    _in_progress: Option<KeyInProgress>,
}

/// Begins or continues an import.
pub(super) async fn begin(
    store: &PgUserStore,
    claim: ImportClaim,
) -> Result<PgImport, DirectoryError> {
    let in_progress = match &claim.key {
        Some(key) => Some(
            store
                .keys_in_progress
                .enter_key(&claim.client, key)
                .ok_or(DirectoryError::IdempotencyInProgress)?,
        ),
        None => None,
    };
    let mut import = PgImport {
        pool: store.pool.clone(),
        connections: store.bulk_pool.clone(),
        limits: store.limits,
        writes: store.writes.clone(),
        connection: None,
        id: Uuid::now_v7(),
        started_at: claim.at,
        claim,
        progress: ImportProgress::default(),
        reported: 0,
        removed_through: Uuid::nil(),
        _in_progress: in_progress,
    };
    let deadline = import.deadline();
    let pool = import.pool.clone();
    let is_same = within_deadline(&pool, deadline, import.open()).await?;
    if is_same {
        Ok(import)
    } else {
        Err(DirectoryError::IdempotencyKeyReused)
    }
}

impl PgImport {
    pub(super) fn deadline(&self) -> Instant {
        Instant::now() + self.limits.store_timeout
    }

    /// The connection of the import, taken out: its user puts it back.
    pub(super) async fn take_connection(&mut self) -> Result<DiscardUnlessDone, StoreError> {
        match self.connection.take() {
            Some(connection) => Ok(connection),
            None => Ok(DiscardUnlessDone::new(
                pool::get_for_lane(&self.connections).await?,
            )),
        }
    }

    pub(super) fn put_back(&mut self, connection: DiscardUnlessDone) {
        self.connection = Some(connection);
    }

    /// Writes that the import has begun, or reads how far it came; whether the import of this key is the same one.
    async fn open(&mut self) -> Result<bool, StoreError> {
        let connection = self.take_connection().await?;
        let client = connection.client();
        let key = self.claim.key.as_ref().map(|key| key.as_str().to_owned());
        let (name, fingerprint) = (&self.claim.client, &self.claim.fingerprint[..]);
        let (at, digest) = (Micros::from(self.claim.at), [0_u8; 32]);
        let statement = client.prepare_cached(import_sql::BEGIN).await?;
        client
            .execute(
                &statement,
                &[&self.id, name, &key, &fingerprint, &at, &&digest[..]],
            )
            .await?;
        let statement = client.prepare_cached(import_sql::READ).await?;
        let row = client
            .query_one(&statement, &[&self.id, name, &key, &fingerprint])
            .await?;
        let mut row = RowReader::new(&row);
        self.id = row.read()?;
        let is_same: bool = row.read()?;
        self.started_at = row.time()?;
        let is_finished = row.read()?;
        let mark = ImportMark {
            records: count(&mut row)?,
            bytes: count(&mut row)?,
            digest: row
                .read::<&[u8]>()?
                .try_into()
                .map_err(|_| StoreError::Row("imports.digest has not 32 bytes".into()))?,
        };
        self.progress = ImportProgress {
            mark,
            counts: ImportCounts {
                created: count(&mut row)?,
                updated: count(&mut row)?,
                unchanged: count(&mut row)?,
                refused: count(&mut row)?,
                removed: count(&mut row)?,
            },
            is_finished,
        };
        self.put_back(connection);
        Ok(is_same)
    }

    /// Writes one user like any other client does; `None` when it has to be looked up again.
    async fn write_single(
        &self,
        (id, profile): &(UserId, Profile),
        present: Option<&User>,
        at: Timestamp,
    ) -> Result<Option<ImportOutcome>, DirectoryError> {
        let stamp = self.stamp(at);
        let written = if let Some(user) = present {
            let replaced = self.writes.replace(user.id, profile.clone(), None, stamp);
            let replaced = replaced.await;
            replaced.map(|user| ImportOutcome::Updated(Some(user.id)))
        } else {
            let user = User::new(*id, profile.clone(), at);
            let created = self.writes.create(user, None, stamp.actor).await;
            created
                .map(|(Created::Now(user) | Created::Before(user))| ImportOutcome::Created(user.id))
        };
        match written {
            Ok(outcome) => Ok(Some(outcome)),
            Err(DirectoryError::EmailTaken) if self.claim.mode == ImportMode::Create => {
                Ok(Some(ImportOutcome::EmailTaken))
            }
            Err(DirectoryError::EmailTaken | DirectoryError::UserNotFound) => Ok(None),
            Err(DirectoryError::Internal(error)) => {
                tracing::error!(error = %error, "a user could not be imported");
                Ok(Some(ImportOutcome::Failed))
            }
            Err(error) => Err(error),
        }
    }

    pub(super) fn stamp(&self, at: Timestamp) -> Stamp {
        let actor = self.claim.actor.clone();
        Stamp { at, actor }
    }
}

fn count(row: &mut RowReader<'_>) -> Result<u64, StoreError> {
    Ok(u64::try_from(row.read::<i64>()?).unwrap_or(0))
}

/// Whether `PostgreSQL` refused the transaction for what is in it.
fn is_refusal(error: &StoreError) -> bool {
    matches!(error, StoreError::Postgres(_)) && !pool::is_of_session(error)
}

impl Import for PgImport {
    fn progress(&self) -> &ImportProgress {
        &self.progress
    }

    async fn apply(
        &mut self,
        batch: &ImportBatch,
        mark: ImportMark,
        at: Timestamp,
        report: impl Fn(&[ImportOutcome]) -> Vec<u8> + Send + Sync,
    ) -> Result<(), DirectoryError> {
        let part = Part {
            batch,
            mark,
            at,
            report,
        };
        let mut decided: Vec<Option<ImportOutcome>> = vec![None; batch.users.len()];
        let pool = self.pool.clone();
        let mut attempts = 0;
        loop {
            attempts += 1;
            let deadline = self.deadline();
            let attempt = within_deadline(&pool, deadline, self.attempt(&part, &decided)).await;
            let (stuck, present) = match attempt {
                Ok(Attempt::Done) => return Ok(()),
                Ok(Attempt::Again(stuck, present)) => (stuck, present),
                // Prepared again, it works.
                Err(error) if error.is_stale_statement() && attempts < ATTEMPTS => continue,
                // What is refused as a whole is written one by one, so that one user cannot fail the others.
                Err(error) if is_refusal(&error) && decided.iter().any(Option::is_none) => {
                    let every = decided.iter().enumerate();
                    let undecided = every.filter(|(_, decided)| decided.is_none());
                    let undecided = undecided.map(|(number, _)| number).collect();
                    attempts = attempts.max(ATTEMPTS);
                    let connection = self.take_connection().await?;
                    let present = look_up(connection.client(), batch).await?;
                    self.put_back(connection);
                    (undecided, present)
                }
                Err(error) => return Err(error.into()),
            };
            if attempts < ATTEMPTS {
                sleep(PAUSE * attempts).await;
                continue;
            }
            for number in stuck {
                let user = &batch.users[number];
                let outcome = self
                    .write_single(user, present.get(&user.1.email.key()), at)
                    .await?;
                let is_last = attempts >= 4 * ATTEMPTS;
                decided[number] = outcome.or(is_last.then_some(ImportOutcome::Failed));
            }
        }
    }

    async fn count_absent(&mut self, how: AbsentUsers) -> Result<u64, DirectoryError> {
        Ok(self.count_absent_users(how).await?)
    }

    async fn remove_absent(
        &mut self,
        how: AbsentUsers,
        at: Timestamp,
    ) -> Result<u64, DirectoryError> {
        self.remove_absent_users(how, at).await
    }

    async fn finish(&mut self) -> Result<(), DirectoryError> {
        let connection = self.take_connection().await?;
        let client = connection.client();
        let finished = async {
            let statement = client.prepare_cached(import_sql::FINISH).await?;
            client.execute(&statement, &[&self.id]).await?;
            Ok::<_, StoreError>(())
        };
        within_deadline(&self.pool, self.deadline(), finished).await?;
        self.progress.is_finished = true;
        // The report is read on any connection.
        drop(connection);
        Ok(())
    }

    async fn read_report(&mut self) -> Result<Option<Vec<u8>>, DirectoryError> {
        let (id, after) = (self.id, self.reported);
        let read = pool::with_client(&self.pool, |guard| async move {
            let rows = async {
                let client = guard.client();
                let statement = client.prepare_cached(import_sql::READ_REPORT).await?;
                Ok(client.query(&statement, &[&id, &after]).await?)
            };
            let rows = rows.await;
            (guard, rows)
        });
        let rows = within_deadline(&self.pool, self.deadline(), read).await?;
        let mut content = Vec::new();
        for row in &rows {
            let mut row = RowReader::new(row);
            self.reported = row.read()?;
            content.extend_from_slice(row.read::<&[u8]>()?);
        }
        Ok((!rows.is_empty()).then_some(content))
    }
}
