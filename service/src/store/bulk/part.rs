//! A part of an import: a batch, and what an attempt to import it led to.

use super::lookup::Present;
use crate::domain::{ImportBatch, ImportCounts, ImportMark, ImportOutcome, Timestamp};

/// How an attempt to import a batch ended.
pub(super) enum Attempt {
    /// It is committed.
    Done,
    /// These users have changed, or are locked: nothing was written.
    Again(Vec<usize>, Present),
}

/// A batch, up to where the import comes by it, and what is reported of it.
pub(super) struct Part<'a, R> {
    pub(super) batch: &'a ImportBatch,
    pub(super) mark: ImportMark,
    pub(super) at: Timestamp,
    pub(super) report: R,
}

/// How many users of a batch each outcome has, beside the records that were refused already.
pub(super) fn counted(refused: u64, outcomes: &[ImportOutcome]) -> ImportCounts {
    let mut counts = ImportCounts {
        refused,
        ..ImportCounts::default()
    };
    for outcome in outcomes {
        *match outcome {
            ImportOutcome::Created(_) => &mut counts.created,
            ImportOutcome::Updated(_) => &mut counts.updated,
            ImportOutcome::Unchanged(_) => &mut counts.unchanged,
            ImportOutcome::EmailTaken | ImportOutcome::Failed => &mut counts.refused,
        } += 1;
    }
    counts
}
