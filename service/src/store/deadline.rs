//! How long a request waits for the store: one rule for reads, lists, writes and everything else.

use super::pool::{self, Pool};
use super::sql_error::StoreError;
use std::future::Future;
use std::pin::pin;
use tokio::time::{Instant, timeout_at};

/// Runs `work` until `deadline`.
///
/// # Errors
/// [`StoreError::TimedOut`], counted once in the metrics, when it is not done by then; else its own.
pub(super) async fn within_deadline<T>(
    pool: &Pool,
    deadline: Instant,
    work: impl Future<Output = Result<T, StoreError>>,
) -> Result<T, StoreError> {
    within_deadlines(pool, deadline, |_| None, work).await
}

/// Runs `work`, which serves several requests, until the last of their deadlines. At each deadline, the first of which is
/// `first`, `expire` answers those whose time is up and returns the next one; `None` ends the work.
///
/// # Errors
/// As [`within_deadline`].
pub(super) async fn within_deadlines<T>(
    pool: &Pool,
    first: Instant,
    mut expire: impl FnMut(Instant) -> Option<Instant>,
    work: impl Future<Output = Result<T, StoreError>>,
) -> Result<T, StoreError> {
    let mut work = pin!(work);
    let mut deadline = first;
    let mut is_counted = false;
    loop {
        if let Ok(outcome) = timeout_at(deadline, work.as_mut()).await {
            return outcome;
        }
        if !std::mem::replace(&mut is_counted, true) {
            pool.observed.failed(&StoreError::TimedOut);
        }
        let Some(next) = expire(Instant::now()) else {
            // Beyond the server's own limit for a statement: it may be gone, and its idle connections with it.
            pool::discard_idle(pool);
            return Err(StoreError::TimedOut);
        };
        deadline = next;
    }
}
