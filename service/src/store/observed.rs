//! What the store reports to the metrics: durations of statements, requests per statement, failures.

use super::sql_error::StoreError;
use crate::metrics::{DatabaseErrorKind, Lane, Metrics};
use prometheus::Histogram;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio_postgres::error::SqlState;

/// The statements whose duration is measured: the values of the label `statement`, by index.
const NAMES: [&str; 13] = [
    "read_users",
    "write_users",
    "write_user_alone",
    "list_users",
    "read_changes",
    "sweep",
    "read_provisioned",
    "write_provisioned",
    "write_provisioned_alone",
    "tidy_search_index",
    "open_export",
    "look_up_import",
    "write_import",
];

/// A statement, or a transaction that is sent as one.
#[derive(Clone, Copy)]
pub(super) enum Statement {
    ReadUsers,
    WriteUsers,
    WriteUserAlone,
    ListUsers,
    ReadChanges,
    Sweep,
    ReadProvisioned,
    WriteProvisioned,
    WriteProvisionedAlone,
    TidySearchIndex,
    OpenExport,
    LookUpImport,
    WriteImport,
}

/// Where a store's observations go; a default one forgets them.
#[derive(Clone, Default)]
pub(super) struct Observed(Option<Arc<Handles>>);

/// Resolved once: looking a histogram up by its label takes a lock.
struct Handles {
    metrics: Arc<Metrics>,
    durations: [Histogram; NAMES.len()],
}

impl Observed {
    pub(super) fn by(metrics: &Arc<Metrics>) -> Self {
        Self(Some(Arc::new(Handles {
            metrics: metrics.clone(),
            durations: NAMES.map(|name| metrics.statement(name)),
        })))
    }

    /// A statement begins.
    pub(super) fn begin(&self, statement: Statement) -> Running<'_> {
        Running {
            observed: self,
            statement,
            started: Instant::now(),
        }
    }

    pub(super) fn batch_sent(&self, lane: Lane, requests: usize) {
        if let Some(handles) = &self.0 {
            handles.metrics.batch_sent(lane, requests);
        }
    }

    pub(super) fn pool_waited(&self, wait: Duration) {
        if let Some(handles) = &self.0 {
            handles.metrics.pool_waited(wait);
        }
    }

    /// Counts a failure, once for each time that the database was asked.
    pub(super) fn failed(&self, error: &StoreError) {
        if let (Some(handles), Some(kind)) = (&self.0, kind(error)) {
            handles.metrics.database_failed(kind);
        }
    }
}

/// A statement that is under way; one that is given up half-way is not measured.
pub(super) struct Running<'a> {
    observed: &'a Observed,
    statement: Statement,
    started: Instant,
}

impl Running<'_> {
    /// Measures the statement, counts its failure and hands its outcome on.
    pub(super) fn end<T>(self, outcome: Result<T, StoreError>) -> Result<T, StoreError> {
        if let Some(handles) = &self.observed.0 {
            let seconds = self.started.elapsed().as_secs_f64();
            handles.durations[self.statement as usize].observe(seconds);
        }
        outcome.inspect_err(|error| self.observed.failed(error))
    }
}

/// `None` for what clients cause and the directory answers: an address that is taken.
fn kind(error: &StoreError) -> Option<DatabaseErrorKind> {
    match error {
        StoreError::PoolExhausted { .. } => Some(DatabaseErrorKind::PoolTimeout),
        StoreError::TimedOut => Some(DatabaseErrorKind::StatementTimeout),
        StoreError::Postgres(cause) if cause.code() == Some(&SqlState::UNIQUE_VIOLATION) => None,
        StoreError::Postgres(cause) if cause.code() == Some(&SqlState::QUERY_CANCELED) => {
            Some(DatabaseErrorKind::StatementTimeout)
        }
        error if error.is_lock_timeout() => Some(DatabaseErrorKind::StatementTimeout),
        error if error.is_read_only() => Some(DatabaseErrorKind::ReadOnly),
        error if error.is_unreachable() => Some(DatabaseErrorKind::Unreachable),
        _ => Some(DatabaseErrorKind::Internal),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::BuildInfo;

    #[test]
    fn failures_are_counted_by_what_went_wrong() {
        let build = BuildInfo {
            version: "0",
            revision: "0",
        };
        let metrics = Metrics::new(&["unmatched"], build).expect("metrics");
        let observed = Observed::by(&metrics);
        for error in [
            StoreError::TimedOut,
            StoreError::ConnectionLost,
            StoreError::PoolExhausted { in_use: 1, max: 1 },
            StoreError::Row("unreadable".into()),
        ] {
            let outcome: Result<(), _> = observed.begin(Statement::ListUsers).end(Err(error));
            assert!(outcome.is_err());
        }
        let text = String::from_utf8(metrics.encode().expect("encodes")).expect("UTF-8");
        for kind in [
            "statement_timeout",
            "unreachable",
            "pool_timeout",
            "internal",
        ] {
            let line = format!(r#"roster_database_errors_total{{kind="{kind}"}} 1"#);
            assert!(text.contains(&line), "{line}");
        }
        let line = r#"roster_database_query_duration_seconds_count{statement="list_users"} 4"#;
        assert!(text.contains(line));
    }
}
