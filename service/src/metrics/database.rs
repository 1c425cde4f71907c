//! The metrics of the database: the pool, statements, batches, failures.

use prometheus::{Histogram, HistogramVec, IntCounter, IntGauge, Registry};

use super::register::{counters, each, histogram, histograms, int_gauge, int_gauges};

const QUERY_SECONDS: &[f64] = &[
    0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5,
];
const BATCH_SIZES: &[f64] = &[1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0];

/// The state of the connection pool at one moment.
#[derive(Clone, Copy, Debug, Default)]
pub struct PoolState {
    /// Connections in use.
    pub in_use: usize,
    /// Idle connections.
    pub idle: usize,
    /// Maximum number of connections.
    pub max: usize,
    /// Requests waiting for a connection.
    pub waiting: usize,
}

/// The kinds of database errors: the values of `kind`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DatabaseErrorKind {
    /// No connection could be opened, or the one in use broke.
    Unreachable,
    /// No connection became free in time.
    PoolTimeout,
    /// A statement timed out.
    StatementTimeout,
    /// The database takes no writes for the time being.
    ReadOnly,
    /// Anything else: a bug, or a schema that does not fit.
    Internal,
}

/// The lane of a batch: the values of `lane`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Lane {
    /// Reads by id.
    Reads,
    /// Creates and changes.
    Writes,
}

pub(super) struct DatabaseMetrics {
    pub(super) in_use: IntGauge,
    pub(super) idle: IntGauge,
    pub(super) max: IntGauge,
    pub(super) waiting: IntGauge,
    pub(super) usable: IntGauge,
    pub(super) wait: Histogram,
    pub(super) statements: HistogramVec,
    pub(super) errors: [IntCounter; 5],
    pub(super) batch_size: [Histogram; 2],
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
            "Failed statements and connections, by kind of error.",
            "kind",
        )?;
        let batches = histograms(
            r,
            "roster_database_batch_size",
            "Requests per round trip to the database.",
            &["lane"],
            BATCH_SIZES,
        )?;
        let kinds = [
            "unreachable",
            "pool_timeout",
            "statement_timeout",
            "read_only",
            "internal",
        ];
        Ok(Self {
            in_use: pool.get_metric_with_label_values(&["in_use"])?,
            idle: pool.get_metric_with_label_values(&["idle"])?,
            max: int_gauge(
                r,
                "roster_database_pool_connections_max",
                "Maximum size of the pool.",
            )?,
            waiting: int_gauge(
                r,
                "roster_database_pool_waiting",
                "Requests waiting for a connection of the pool.",
            )?,
            usable: int_gauge(
                r,
                "roster_database_usable",
                "Whether the database answered the last readiness check: 1 or 0.",
            )?,
            wait: histogram(
                r,
                "roster_database_pool_wait_seconds",
                "Time that requests waited for a connection of the pool.",
                QUERY_SECONDS,
            )?,
            statements: histograms(
                r,
                "roster_database_query_duration_seconds",
                "Duration of statements, measured by the service.",
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
