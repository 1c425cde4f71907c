//! What the store reports of statements, batches and the pool.

use super::Metrics;
use super::database::{DatabaseErrorKind, Lane, PoolState};
use super::register::{as_f64, as_i64};
use prometheus::Histogram;
use std::time::Duration;

impl Metrics {
    /// The duration histogram of a named statement. Call it once per statement at start and keep the result: a lookup
    /// takes a lock.
    pub fn statement(&self, name: &'static str) -> Histogram {
        self.database.statements.with_label_values(&[name])
    }

    /// Counts a failure of the database.
    pub fn database_failed(&self, kind: DatabaseErrorKind) {
        self.database.errors[kind as usize].inc();
    }

    /// Counts one round trip that served `requests` requests.
    pub fn batch_sent(&self, lane: Lane, requests: usize) {
        self.database.batch_size[lane as usize].observe(as_f64(requests));
    }

    /// Counts the wait for a connection of the pool.
    pub fn pool_waited(&self, wait: Duration) {
        self.database.wait.observe(wait.as_secs_f64());
    }

    /// The state of the pool; for [`Metrics::before_scrape`].
    pub fn set_pool(&self, pool: PoolState) {
        self.database.in_use.set(as_i64(pool.in_use));
        self.database.idle.set(as_i64(pool.idle));
        self.database.max.set(as_i64(pool.max));
        self.database.waiting.set(as_i64(pool.waiting));
    }
}
