//! One attempt to import a batch: a transaction of its writes, of how far the import has come by them, and of what is reported.

use super::PgImport;
use super::import_sql;
use super::lookup::{Present, Step, look_up};
use super::part::{Attempt, Part, counted};
use crate::domain::{ImportBatch, ImportCounts, ImportMode, ImportOutcome};
use crate::store::columns::Micros;
use crate::store::observed::Statement;
use crate::store::pool::Object;
use crate::store::sql_error::StoreError;
use crate::store::write_batch;
use uuid::Uuid;

impl PgImport {
    /// One attempt to import those users of a batch that `decided` does not have.
    pub(super) async fn attempt(
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
}
