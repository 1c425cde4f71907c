//! Exports and imports. Each has a connection for as long as it lasts, out of a pool of their own, so that none is missing to
//! requests; how many there are is bounded at the edge.

mod absent;
mod attempt;
mod export;
mod import;
mod import_sql;
mod lookup;
mod part;
mod snapshots;
pub(super) mod sweep;

use super::PgUserStore;
use super::deadline::within_deadline;
use crate::domain::{BulkStore, DirectoryError, Filters, ImportClaim};
use std::time::Duration;

pub use export::PgExport;
pub use import::PgImport;
pub(super) use snapshots::Snapshots;

impl PgUserStore {
    /// How old the oldest snapshot is that an export holds: `PostgreSQL` cannot remove rows that were replaced since.
    pub fn oldest_snapshot(&self) -> Duration {
        self.snapshots.oldest()
    }
}

impl BulkStore for PgUserStore {
    type Export = PgExport;
    type Import = PgImport;

    async fn export(&self, filters: &Filters) -> Result<PgExport, DirectoryError> {
        let opening = export::open(&self.bulk_pool, &self.snapshots, filters, self.bulk_limits);
        Ok(within_deadline(&self.pool, self.deadline(), opening).await?)
    }

    async fn import(&self, claim: ImportClaim) -> Result<PgImport, DirectoryError> {
        import::begin(self, claim).await
    }
}
