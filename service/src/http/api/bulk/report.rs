//! The report of an import: one JSON object a line, for each record that is reported, and one for the whole behind them.

use crate::domain::{ImportCounts, ImportOutcome, UserId};
use crate::http::api::user_json::write_text;
use crate::http::problem::{Problem, ProblemKind};
use std::io::Write as _;

/// What is known of a record before its batch is written.
pub(super) struct Line {
    /// Where it is in the body.
    pub(super) number: u64,
    /// Why it was refused already.
    pub(super) refused: Option<Box<Problem>>,
}

/// Writes what is reported of a batch, whose outcomes are those of the records that were not refused already.
pub(super) fn write_lines(
    lines: &[Line],
    outcomes: &[ImportOutcome],
    reports_all: bool,
    is_dry_run: bool,
) -> Vec<u8> {
    let mut out = Vec::new();
    let mut outcomes = outcomes.iter();
    for line in lines {
        if let Some(problem) = &line.refused {
            write_refused(&mut out, line.number, problem);
            continue;
        }
        let (word, id) = match outcomes.next() {
            Some(ImportOutcome::Created(id)) => ("created", (!is_dry_run).then_some(*id)),
            Some(ImportOutcome::Updated(id)) => ("updated", *id),
            Some(ImportOutcome::Unchanged(id)) => ("unchanged", Some(*id)),
            Some(ImportOutcome::EmailTaken) => {
                let problem = ProblemKind::EmailTaken.into_problem();
                write_refused(&mut out, line.number, &problem);
                continue;
            }
            Some(ImportOutcome::Failed) | None => {
                let detail = "the failure was logged";
                write_refused(
                    &mut out,
                    line.number,
                    &ProblemKind::Internal.with_detail(detail),
                );
                continue;
            }
        };
        if reports_all {
            write_taken(&mut out, line.number, word, id);
        }
    }
    out
}

fn write_taken(out: &mut Vec<u8>, line: u64, word: &str, id: Option<UserId>) {
    // Writing to a vector cannot fail.
    let _ = write!(out, "{{\"line\":{line},\"outcome\":\"{word}\"");
    if let Some(id) = id {
        let _ = write!(out, ",\"id\":\"{}\"", id.0);
    }
    out.extend_from_slice(b"}\n");
}

fn write_refused(out: &mut Vec<u8>, line: u64, problem: &Problem) {
    let slug = problem.kind.slug();
    let _ = write!(
        out,
        "{{\"line\":{line},\"outcome\":\"refused\",\"problem\":\"{slug}\",\"detail\":"
    );
    // A detail may quote what the client sent, with any character.
    let _ = serde_json::to_writer(&mut *out, problem.detail());
    if !problem.faults().is_empty() {
        out.extend_from_slice(b",\"errors\":");
        let _ = serde_json::to_writer(&mut *out, problem.faults());
    }
    out.extend_from_slice(b"}\n");
}

/// What became of the users that are not in a synchronisation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Absent {
    /// How many there were.
    pub(super) found: Option<u64>,
    /// Why they were not removed.
    pub(super) kept_because: Option<String>,
}

/// Writes the last record.
pub(super) fn write_summary(counts: ImportCounts, is_dry_run: bool, absent: &Absent) -> Vec<u8> {
    let ImportCounts {
        created,
        updated,
        unchanged,
        refused,
        removed,
    } = counts;
    let records = created + updated + unchanged + refused;
    let mut out = Vec::with_capacity(192);
    let _ = write!(
        out,
        "{{\"records\":{records},\"created\":{created},\"updated\":{updated},\"unchanged\":{unchanged},\
         \"refused\":{refused},\"removed\":{removed},\"dry_run\":{is_dry_run}"
    );
    if let Some(found) = absent.found {
        let _ = write!(out, ",\"absent\":{found}");
    }
    if let Some(why) = &absent.kept_because {
        out.extend_from_slice(b",\"not_removed\":");
        write_text(&mut out, why);
    }
    out.extend_from_slice(b"}\n");
    out
}
