//! Keeps the list of new entries of the search index short (docs/adr/0095). Who filled it up would sort it into the index
//! in the middle of a write, holding the lock for which all writers wait, for a tenth of a second.

use super::deadline::within_deadline;
use super::limits::Limits;
use super::observed::Statement;
use super::pool::{self, Pool};
use super::sql_error::StoreError;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// Sorts new entries into the index when there are those of 4,000 changes, three megabytes: as many at a time as writers did.
/// Nothing while another replica is doing so.
const TIDY: &str = "SELECT tidy_search_index(4000)";

/// The pause after a write. At 20,000 writes a second, the list grows by 4 MB meanwhile; it is full with 12 (V8).
const PAUSE: Duration = Duration::from_millis(200);
/// The pause after a failure, which is logged.
const RETRY_DELAY: Duration = Duration::from_secs(30);

pub(super) fn start(pool: Pool, limits: Limits) {
    tokio::spawn(async move {
        while !pool.is_closed() {
            pool.written.notified().await;
            sleep(PAUSE).await;
            if let Err(error) = tidy(&pool, limits.store_timeout).await {
                tracing::warn!(error = %error, "the search index could not be tidied; writes do it meanwhile, and are slower");
                sleep(RETRY_DELAY).await;
            }
        }
    });
}

async fn tidy(pool: &Pool, limit: Duration) -> Result<(), StoreError> {
    let tidied = pool::with_client(pool, |guard| async move {
        let running = pool.observed.begin(Statement::TidySearchIndex);
        let tidied = guard.client().batch_execute(TIDY).await;
        (guard, running.end(tidied.map_err(StoreError::from)))
    });
    within_deadline(pool, Instant::now() + limit, tidied).await
}
