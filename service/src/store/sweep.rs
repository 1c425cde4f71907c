//! Removes what is past its retention, a little at a time, so that no sweep is ever felt.

use super::bulk;
use super::deadline::within_deadline;
use super::idempotency;
use super::limits::Limits;
use super::observed::Statement;
use super::pool::{self, Object, Pool};
use super::sql_error::StoreError;
use std::time::{Duration, SystemTime};
use tokio::time::Instant;

/// How long things are kept.
#[derive(Clone, Copy, Debug)]
pub struct SweepSettings {
    /// How long a change stays in the feed.
    pub changes_retention: Duration,
    /// How long an idempotency key is remembered.
    pub keys_retention: Duration,
    /// The pause between two rounds.
    pub interval: Duration,
}

/// Rows that one statement removes at the most.
const BATCH: i64 = 1000;

/// Removes a prefix of the feed, never a change behind one that is kept, and remembers up to where.
const SWEEP_CHANGES: &str = "
WITH head AS (
    SELECT position, at FROM user_changes ORDER BY position LIMIT $2
), kept AS (
    SELECT min(position) AS first FROM head WHERE at >= $1
), gone AS (
    DELETE FROM user_changes
    WHERE position <= (SELECT max(position) FROM head)
      AND position < COALESCE((SELECT first FROM kept), 9223372036854775807)
    RETURNING position
)
UPDATE user_changes_swept SET through = GREATEST(through, (SELECT max(position) FROM gone))
WHERE EXISTS (SELECT FROM gone)
RETURNING (SELECT count(*) FROM gone)";

pub(super) fn start(pool: Pool, limits: Limits, settings: SweepSettings) {
    tokio::spawn(async move {
        let mut tick = tokio::time::interval(settings.interval);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        while !pool.is_closed() {
            tick.tick().await;
            if let Err(error) = round(&pool, &limits, &settings).await {
                tracing::warn!(error = %error, "what is past its retention could not be removed; trying again later");
            }
        }
    });
}

async fn round(pool: &Pool, limits: &Limits, settings: &SweepSettings) -> Result<(), StoreError> {
    let cutoff = |retention| {
        SystemTime::now()
            .checked_sub(retention)
            .unwrap_or(SystemTime::UNIX_EPOCH)
    };
    let keys_cutoff = cutoff(settings.keys_retention);
    let changes_cutoff = cutoff(settings.changes_retention);
    loop {
        let removed = pool::with_client(pool, |guard| async move {
            let running = pool.observed.begin(Statement::Sweep);
            let removed =
                running.end(sweep_batch(guard.client(), keys_cutoff, changes_cutoff).await);
            (guard, removed)
        });
        let (others, changes) =
            within_deadline(pool, Instant::now() + limits.store_timeout, removed).await?;
        if others < BATCH.unsigned_abs() && changes < BATCH {
            return Ok(());
        }
        // Room for the requests of clients between two batches.
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Removes one batch of each; returns how many keys, or rows of imports, and how many changes.
async fn sweep_batch(
    client: &Object,
    keys_cutoff: SystemTime,
    changes_cutoff: SystemTime,
) -> Result<(u64, i64), StoreError> {
    let sweep_keys = client.prepare_cached(idempotency::SWEEP).await?;
    let keys = client.execute(&sweep_keys, &[&keys_cutoff, &BATCH]).await?;
    let imports = bulk::sweep::sweep(client, keys_cutoff, BATCH).await?;
    let sweep_changes = client.prepare_cached(SWEEP_CHANGES).await?;
    let row = client
        .query_opt(&sweep_changes, &[&changes_cutoff, &BATCH])
        .await?;
    Ok((
        keys.max(imports),
        row.map(|row| row.try_get(0)).transpose()?.unwrap_or(0),
    ))
}
