//! Exports and imports: bodies of any length, which are never in memory as a whole.
//!
//! `formats` are what users are written as and read from, `records` finds them in a body as it arrives.

mod coding;
mod csv_text;
pub(super) mod export;
pub(super) mod formats;
pub(super) mod import;
mod import_query;
pub(super) mod records;
mod report;

use crate::http::problem::{Problem, ProblemKind};
use crate::http::settings::BulkSettings;
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How many exports and imports may be in progress.
pub struct BulkPermits {
    exports: Arc<Semaphore>,
    imports: Arc<Semaphore>,
}

impl BulkPermits {
    /// As many as the settings say.
    pub fn new(settings: &BulkSettings) -> Self {
        Self {
            exports: Arc::new(Semaphore::new(settings.exports)),
            imports: Arc::new(Semaphore::new(settings.imports)),
        }
    }

    fn export(&self) -> Result<OwnedSemaphorePermit, Problem> {
        admit(&self.exports, "exports")
    }

    fn import(&self) -> Result<OwnedSemaphorePermit, Problem> {
        admit(&self.imports, "imports")
    }
}

/// How long a client is asked to wait for an export or an import of another one to end, in seconds.
const RETRY_AFTER: u64 = 10;

fn admit(permits: &Arc<Semaphore>, what: &str) -> Result<OwnedSemaphorePermit, Problem> {
    permits.clone().try_acquire_owned().map_err(|_| {
        let detail = format!("this replica has as many {what} in progress as it may have");
        ProblemKind::RateLimited
            .with_detail(detail)
            .retry_after(RETRY_AFTER)
    })
}
