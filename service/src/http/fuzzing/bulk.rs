//! Exports and imports of the store that holds one user.

use super::one_user::OneUser;
use crate::domain::{
    AbsentUsers, BulkStore, DirectoryError, Export, FeedPosition, Filters, Import, ImportBatch,
    ImportClaim, ImportMark, ImportOutcome, ImportProgress, Timestamp, User,
};
use crate::http::api::fuzzing::ada;

type Outcome<T> = Result<T, DirectoryError>;

/// Has the user once.
pub(super) struct OneExport(Option<User>);

/// Creates every user.
#[derive(Default)]
pub(super) struct OneImport {
    progress: ImportProgress,
    report: Vec<u8>,
}

impl BulkStore for OneUser {
    type Export = OneExport;
    type Import = OneImport;

    async fn export(&self, _: &Filters) -> Outcome<OneExport> {
        Ok(OneExport(Some(ada())))
    }

    async fn import(&self, _: ImportClaim) -> Outcome<OneImport> {
        Ok(OneImport::default())
    }
}

impl Export for OneExport {
    fn position(&self) -> FeedPosition {
        FeedPosition {
            position: 1,
            change: None,
        }
    }

    async fn read(&mut self, users: &mut Vec<User>) -> Outcome<()> {
        users.extend(self.0.take());
        Ok(())
    }
}

impl Import for OneImport {
    fn progress(&self) -> &ImportProgress {
        &self.progress
    }

    async fn apply(
        &mut self,
        batch: &ImportBatch,
        mark: ImportMark,
        _: Timestamp,
        report: impl Fn(&[ImportOutcome]) -> Vec<u8> + Send + Sync,
    ) -> Outcome<()> {
        let outcomes: Vec<_> = batch
            .users
            .iter()
            .map(|(id, _)| ImportOutcome::Created(*id))
            .collect();
        self.report.extend(report(&outcomes));
        self.progress.mark = mark;
        self.progress.counts.created += outcomes.len() as u64;
        self.progress.counts.refused += batch.refused;
        Ok(())
    }

    async fn count_absent(&mut self, _: AbsentUsers) -> Outcome<u64> {
        Ok(0)
    }

    async fn remove_absent(&mut self, _: AbsentUsers, _: Timestamp) -> Outcome<u64> {
        Ok(0)
    }

    async fn finish(&mut self) -> Outcome<()> {
        self.progress.is_finished = true;
        Ok(())
    }

    async fn read_report(&mut self) -> Outcome<Option<Vec<u8>>> {
        let report = std::mem::take(&mut self.report);
        Ok((!report.is_empty()).then_some(report))
    }
}
