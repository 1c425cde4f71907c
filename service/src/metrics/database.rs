//! The metrics of the database: the pool, statements, batches, failures.

use std::time::Duration;

use prometheus::{Histogram, HistogramVec, IntCounter, IntGauge, Registry};

use super::{as_f64, as_i64, counters, each, histogram, histograms, int_gauge, int_gauges};

const QUERY_SECONDS: &[f64] = &[
    0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5,
];
const BATCH_SIZES: &[f64] = &[1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0];

/// The state of the connection pool at one moment.
#[derive(Clone, Copy, Debug, Default)]
pub struct PoolState {
    /// Connections lent out.
    pub in_use: usize,
    /// Connections open and waiting for work.
    pub idle: usize,
    /// The most that may be open.
    pub max: usize,
    /// Callers that wait for one.
    pub waiting: usize,
}

/// Why the database did not do what was asked: the values of `kind`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DatabaseErrorKind {
    /// No connection to be had, or the one in use broke.
    Unreachable,
    /// No connection became free in time.
    PoolTimeout,
    /// A statement ran into its time limit.
    StatementTimeout,
    /// Anything else: a bug, or a schema that does not fit.
    Internal,
}

/// Which coalescing lane a batch went through: the values of `lane`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Lane {
    /// Reads by id.
    Reads,
    /// Creates and changes.
    Writes,
}

pub(super) struct DatabaseMetrics {
    in_use: IntGauge,
    idle: IntGauge,
    max: IntGauge,
    waiting: IntGauge,
    wait: Histogram,
    statements: HistogramVec,
    errors: [IntCounter; 4],
    batch_size: [Histogram; 2],
}

impl DatabaseMetrics {
    pub(super) fn new(r: &Registry) -> prometheus::Result<Self> {
        let pool = int_gauges(
            r,
            "roster_database_pool_connections",
            "Open connections of the pool.",
            "state",
        )?;
        let errors = counters(
            r,
            "roster_database_errors_total",
            "Statements and connections that failed, by what went wrong.",
            "kind",
        )?;
        let batches = histograms(
            r,
            "roster_database_batch_size",
            "Requests that one round trip to the database served.",
            &["lane"],
            BATCH_SIZES,
        )?;
        let kinds = [
            "unreachable",
            "pool_timeout",
            "statement_timeout",
            "internal",
        ];
        Ok(Self {
            in_use: pool.get_metric_with_label_values(&["in_use"])?,
            idle: pool.get_metric_with_label_values(&["idle"])?,
            max: int_gauge(
                r,
                "roster_database_pool_connections_max",
                "The most connections that the pool may open.",
            )?,
            waiting: int_gauge(
                r,
                "roster_database_pool_waiting",
                "Callers that wait for a connection of the pool.",
            )?,
            wait: histogram(
                r,
                "roster_database_pool_wait_seconds",
                "How long callers waited for a connection of the pool.",
                QUERY_SECONDS,
            )?,
            statements: histograms(
                r,
                "roster_database_query_duration_seconds",
                "How long statements took, as the service saw it.",
                &["statement"],
                QUERY_SECONDS,
            )?,
            errors: each(&errors, kinds)?,
            batch_size: [
                batches.get_metric_with_label_values(&["reads"])?,
                batches.get_metric_with_label_values(&["writes"])?,
            ],
        })
    }
}

impl super::Metrics {
    /// The duration histogram of one named statement. Call it once for each statement at start
    /// and keep what it returns: looking up takes a lock.
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

    /// The state of the pool; meant for [`super::Metrics::before_scrape`].
    pub fn set_pool(&self, pool: PoolState) {
        self.database.in_use.set(as_i64(pool.in_use));
        self.database.idle.set(as_i64(pool.idle));
        self.database.max.set(as_i64(pool.max));
        self.database.waiting.set(as_i64(pool.waiting));
    }
}
