//! The metrics of exports and imports.

use super::Metrics;
use super::register::{counter, counters, each, int_gauges, registered};
use prometheus::{Gauge, IntCounter, IntGauge, Registry};
use std::time::Duration;

pub(super) struct BulkMetrics {
    exports_in_progress: IntGauge,
    imports_in_progress: IntGauge,
    exports: [IntCounter; 2],
    exported_users: IntCounter,
    snapshot_age: Gauge,
    records: [IntCounter; 4],
}

/// An export or an import; no longer counted as in progress when this is dropped.
pub struct BulkInProgress(IntGauge);

impl Drop for BulkInProgress {
    fn drop(&mut self) {
        self.0.dec();
    }
}

impl BulkMetrics {
    pub(super) fn new(r: &Registry) -> prometheus::Result<Self> {
        let in_progress = int_gauges(
            r,
            "roster_bulk_in_progress",
            "Exports and imports in progress.",
            "kind",
        )?;
        let exports = counters(
            r,
            "roster_exports_total",
            "Exports that have ended, by whether the client got all of it.",
            "result",
        )?;
        let records = counters(
            r,
            "roster_import_records_total",
            "Records of imports, by what became of them.",
            "outcome",
        )?;
        Ok(Self {
            exports_in_progress: in_progress.get_metric_with_label_values(&["export"])?,
            imports_in_progress: in_progress.get_metric_with_label_values(&["import"])?,
            exports: each(&exports, ["complete", "aborted"])?,
            exported_users: counter(r, "roster_exported_users_total", "Users sent by exports.")?,
            snapshot_age: registered(
                r,
                Gauge::new(
                    "roster_export_snapshot_age_seconds",
                    "Age of the oldest snapshot that an export holds, behind which PostgreSQL \
                     cannot vacuum; 0 while there is none.",
                )?,
            )?,
            records: each(&records, ["created", "updated", "unchanged", "refused"])?,
        })
    }
}

impl Metrics {
    /// Counts an export as in progress until the guard is dropped.
    pub fn export_started(&self) -> BulkInProgress {
        self.bulk.exports_in_progress.inc();
        BulkInProgress(self.bulk.exports_in_progress.clone())
    }

    /// Counts an import as in progress until the guard is dropped.
    pub fn import_started(&self) -> BulkInProgress {
        self.bulk.imports_in_progress.inc();
        BulkInProgress(self.bulk.imports_in_progress.clone())
    }

    /// Counts an export that has ended, and the users that it sent.
    pub fn export_ended(&self, is_complete: bool, users: u64) {
        self.bulk.exports[usize::from(!is_complete)].inc();
        self.bulk.exported_users.inc_by(users);
    }

    /// Counts records of an import: created, updated, unchanged and refused ones.
    pub fn imported(&self, records: [u64; 4]) {
        for (counter, records) in self.bulk.records.iter().zip(records) {
            counter.inc_by(records);
        }
    }

    /// The age of the oldest snapshot that an export holds.
    pub fn set_export_snapshot_age(&self, age: Duration) {
        self.bulk.snapshot_age.set(age.as_secs_f64());
    }
}
