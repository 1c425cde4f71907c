//! An import: each batch is one transaction of the statements that every write is made of (`write_batch`), which also moves
//! the import on. So a batch is either in the directory, in the feed and counted, or none of these.
//!
//! Who has an address is looked up before the transaction, which holds the lock that every writer needs. What changes in
//! between is found by the write itself, and the batch is tried again.

use super::import_sql;
use super::lookup::{Present, Step, look_up};
use crate::domain::{
    AbsentUsers, Created, DirectoryError, Import, ImportBatch, ImportClaim, ImportCounts,
    ImportMark, ImportMode, ImportOutcome, ImportProgress, Profile, Stamp, Timestamp, User, UserId,
};
use crate::store::PgUserStore;
use crate::store::columns::{Micros, RowReader};
use crate::store::deadline::within_deadline;
use crate::store::idempotency::KeyInProgress;
use crate::store::limits::Limits;
use crate::store::observed::Statement;
use crate::store::pool::{self, DiscardUnlessDone, Object, Pool};
use crate::store::sql_error::StoreError;
use crate::store::write_batch;
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

/// How an attempt to import a batch ended.
enum Attempt {
    /// It is committed.
    Done,
    /// These users have changed, or are locked: nothing was written.
    Again(Vec<usize>, Present),
}

impl PgImport {
    pub(super) fn deadline(&self) -> Instant {
        Instant::now() + self.limits.store_timeout
    }

    /// The connection of the import, taken out: whoever is done with it puts it back.
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

    /// One attempt to import those users of a batch that `decided` does not have.
    async fn attempt(
        &mut self,
        part: &Part<'_, impl Fn(&[ImportOutcome]) -> Vec<u8> + Send + Sync>,
        decided: &[Option<ImportOutcome>],
    ) -> Result<Attempt, StoreError> {
        let connection = self.take_connection().await?;
        let client = connection.client();
        let mode = self.claim.mode;
        let looks_up = mode != ImportMode::Create || self.claim.is_dry_run;
        let present = if looks_up && !part.batch.users.is_empty() {
            let running = self.pool.observed.begin(Statement::LookUpImport);
            running.end(look_up(client, part.batch).await)?
        } else {
            Present::new()
        };
        let running = self.pool.observed.begin(Statement::WriteImport);
        let users = part.batch.users.iter().zip(decided);
        let steps: Vec<Step> = users
            .map(|((_, profile), decided)| match decided {
                Some(outcome) => Step::Decided(*outcome),
                None if looks_up => Step::of(mode, profile, present.get(&profile.email.key())),
                None => Step::Create,
            })
            .collect();
        let outcomes = if self.claim.is_dry_run {
            Ok(self.try_out(client, part.batch, &steps).await?)
        } else {
            self.write(client, part, &steps).await?
        };
        let outcomes = match outcomes {
            Ok(outcomes) => outcomes,
            Err(stuck) => {
                client.batch_execute("ROLLBACK").await?;
                self.put_back(connection);
                return Ok(Attempt::Again(stuck, present));
            }
        };
        self.meet(client, &outcomes).await?;
        let advanced = self.advance(client, part, &outcomes).await;
        let counts = running.end(advanced)?;
        self.progress.mark = part.mark;
        self.progress.counts = counts;
        self.put_back(connection);
        Ok(Attempt::Done)
    }

    /// Writes users in a transaction that is left open; or the numbers of those that stand in its way.
    async fn write<R>(
        &self,
        client: &Object,
        part: &Part<'_, R>,
        steps: &[Step],
    ) -> Result<Result<Vec<ImportOutcome>, Vec<usize>>, StoreError> {
        let stamp = self.stamp(part.at);
        let users = part.batch.users.iter().zip(steps);
        let works: Vec<_> = users
            .filter_map(|((id, profile), step)| step.work(*id, profile, &stamp))
            .collect();
        let written = if works.is_empty() {
            client.batch_execute("BEGIN").await?;
            Vec::new()
        } else {
            Box::pin(write_batch::run_open(client, &works)).await?
        };
        let mut written = written.iter();
        let (mut outcomes, mut stuck) = (Vec::with_capacity(steps.len()), Vec::new());
        for (number, ((id, _), step)) in part.batch.users.iter().zip(steps).enumerate() {
            let outcome = match step {
                Step::Decided(outcome) => Some(*outcome),
                step => written
                    .next()
                    .and_then(|written| step.outcome(*id, self.claim.mode, written)),
            };
            match outcome {
                Some(outcome) => outcomes.push(outcome),
                None => stuck.push(number),
            }
        }
        Ok(if stuck.is_empty() {
            Ok(outcomes)
        } else {
            Err(stuck)
        })
    }

    /// What would be written, in a transaction that is left open and changes no user.
    async fn try_out(
        &self,
        client: &Object,
        batch: &ImportBatch,
        steps: &[Step],
    ) -> Result<Vec<ImportOutcome>, StoreError> {
        client.batch_execute("BEGIN").await?;
        let users = || batch.users.iter().zip(steps);
        let keys: Vec<String> = users()
            .filter(|(_, step)| matches!(step, Step::Create))
            .map(|((_, profile), _)| profile.email.key())
            .collect();
        let mut is_new = vec![false; keys.len()];
        if !keys.is_empty() {
            let statement = client.prepare_cached(import_sql::TRY).await?;
            for row in client.query(&statement, &[&self.id, &keys]).await? {
                let number: i64 = row.try_get(0)?;
                let at = usize::try_from(number - 1).unwrap_or(usize::MAX);
                if let Some(is_new) = is_new.get_mut(at) {
                    *is_new = true;
                }
            }
        }
        let mut is_new = is_new.into_iter();
        let outcomes = users().map(|((id, _), step)| match step {
            Step::Decided(outcome) => *outcome,
            Step::Replace(id) => ImportOutcome::Updated(Some(*id)),
            Step::Create if is_new.next() == Some(true) => ImportOutcome::Created(*id),
            // An earlier record would have created it.
            Step::Create if self.claim.mode == ImportMode::Create => ImportOutcome::EmailTaken,
            Step::Create => ImportOutcome::Updated(None),
        });
        Ok(outcomes.collect())
    }

    /// Remembers who was met, where the others are removed in the end.
    async fn meet(&self, client: &Object, outcomes: &[ImportOutcome]) -> Result<(), StoreError> {
        if self.claim.mode != ImportMode::Sync {
            return Ok(());
        }
        let met: Vec<Uuid> = outcomes
            .iter()
            .filter_map(|outcome| match outcome {
                ImportOutcome::Updated(Some(id)) | ImportOutcome::Unchanged(id) => Some(id.0),
                // A new user is younger than the import, which is as good.
                _ => None,
            })
            .collect();
        if !met.is_empty() {
            let statement = client.prepare_cached(import_sql::MEET).await?;
            client.execute(&statement, &[&self.id, &met]).await?;
        }
        Ok(())
    }

    /// Moves the import on and commits; returns what is counted by then.
    async fn advance(
        &self,
        client: &Object,
        part: &Part<'_, impl Fn(&[ImportOutcome]) -> Vec<u8>>,
        outcomes: &[ImportOutcome],
    ) -> Result<ImportCounts, StoreError> {
        let report = (part.report)(outcomes);
        let added = counted(part.batch.refused, outcomes);
        let number = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        let statement = client.prepare_cached(import_sql::ADVANCE).await?;
        let row = client
            .query_one(
                &statement,
                &[
                    &self.id,
                    &number(self.progress.mark.records),
                    &number(part.mark.records),
                    &number(part.mark.bytes),
                    &&part.mark.digest[..],
                    &Micros::from(part.at),
                    &number(added.created),
                    &number(added.updated),
                    &number(added.unchanged),
                    &number(added.refused),
                    &report,
                ],
            )
            .await?;
        if row.try_get::<_, i64>(0)? != 1 {
            client.batch_execute("ROLLBACK").await?;
            return Err(StoreError::Overtaken);
        }
        client.batch_execute("COMMIT").await?;
        self.pool.written.notify_one();
        let before = self.progress.counts;
        Ok(ImportCounts {
            created: before.created + added.created,
            updated: before.updated + added.updated,
            unchanged: before.unchanged + added.unchanged,
            refused: before.refused + added.refused,
            removed: before.removed,
        })
    }

    /// Writes one user like any other client does; `None` when it has to be looked up again.
    async fn write_single(
        &self,
        (id, profile): &(UserId, Profile),
        present: Option<&User>,
        at: Timestamp,
    ) -> Result<Option<ImportOutcome>, DirectoryError> {
        let stamp = self.stamp(at);
        let written = match present {
            Some(user) => {
                let replaced = self.writes.replace(user.id, profile.clone(), None, stamp);
                let replaced = replaced.await;
                replaced.map(|user| ImportOutcome::Updated(Some(user.id)))
            }
            None => {
                let user = User::new(*id, profile.clone(), at);
                let created = self.writes.create(user, None, stamp.actor).await;
                created.map(|(Created::Now(user) | Created::Before(user))| {
                    ImportOutcome::Created(user.id)
                })
            }
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

/// A batch, up to where the import comes by it, and what is reported of it.
struct Part<'a, R> {
    batch: &'a ImportBatch,
    mark: ImportMark,
    at: Timestamp,
    report: R,
}

fn counted(refused: u64, outcomes: &[ImportOutcome]) -> ImportCounts {
    let mut counts = ImportCounts {
        refused,
        ..ImportCounts::default()
    };
    for outcome in outcomes {
        *match outcome {
            ImportOutcome::Created(_) => &mut counts.created,
            ImportOutcome::Updated(_) => &mut counts.updated,
            ImportOutcome::Unchanged(_) => &mut counts.unchanged,
            ImportOutcome::EmailTaken | ImportOutcome::Failed => &mut counts.refused,
        } += 1;
    }
    counts
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
