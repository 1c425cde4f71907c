//! `POST /v1/users/import`: users from a body of any length, read while it arrives.
//!
//! The answer begins when the body has ended: most clients read nothing before, and a service that wrote to them would wait
//! for them while they wait for it. Until then the report is kept beside the import in the store (docs/adr/0091).

use super::formats::Format;
use super::import_query::ImportQuery;
use super::records::{Record, RecordLimits, Records};
use super::report::{Absent, Line, write_lines, write_summary};
use crate::domain::{
    BulkStore, DirectoryError, Import, ImportBatch, ImportClaim, ImportCounts, ImportMark,
    ImportMode, ImportOutcome,
};
use crate::http::answer::{Answer, AnswerBody, BrokenOff};
use crate::http::api::idempotency::{mark_replayed, read_key};
use crate::http::api::service::Service;
use crate::http::call::{Call, Upload};
use crate::http::edge::failures::log_cause;
use crate::http::problem::{Problem, ProblemKind};
use crate::http::read_request::{require_acceptable, require_identity};
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Response};
use hyper::body::{Frame, Incoming};
use std::collections::HashSet;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// The most bytes of the texts of a batch.
const BATCH_BYTES: usize = 512 * 1024;

/// Imports users.
pub(in crate::http::api) async fn import<S: BulkStore>(
    service: &Service<S>,
    call: &Call,
) -> Result<Answer, Problem> {
    require_acceptable(call.headers(), "application/jsonl")
        .or_else(|_| require_acceptable(call.headers(), "application/x-ndjson"))?;
    require_identity(call.headers())?;
    let format = Format::of_body(call.headers())?;
    let query = ImportQuery::read(call.query())?;
    let key = read_key(call)?;
    let _permit = service.bulk.import()?;
    let media_type = format.media_type();
    let claim = ImportClaim {
        client: call.client.as_deref().unwrap_or_default().to_owned(),
        key,
        fingerprint: query.fingerprint(media_type.to_str().unwrap_or("")),
        mode: query.mode,
        is_dry_run: query.is_dry_run,
        at: service.source.now(),
        actor: call.actor(),
    };
    let import = service.directory.import(claim).await?;
    let upload = call.parts.extensions.get::<Upload>();
    let (Some(upload), Some(body)) = (upload, upload.and_then(Upload::take)) else {
        return Err(ProblemKind::Internal.with_detail("the body is not there"));
    };
    let settings = &service.settings;
    let limits = RecordLimits {
        bytes: settings.body_limit_bytes,
        pause: settings.body_timeout,
    };
    let mut run = Run {
        service,
        query,
        import,
        records: Records::new(body, format, limits),
        pending: Pending::default(),
        deadline: Instant::now() + settings.bulk.import_timeout,
    };
    let _in_progress = service.metrics.import_started();
    let was_finished = run.import.progress().is_finished;
    let outcome = Box::pin(run.all()).await;
    let counts = run.import.progress().counts;
    if let Some(body) = run.records.into_unread() {
        upload.put_back(body);
    }
    let absent = outcome.map_err(|problem| problem.with_member("records", records(counts)))?;
    let summary = write_summary(counts, query.is_dry_run, &absent);
    let mut answer = report(run.import, summary, call);
    if was_finished {
        mark_replayed(answer.headers_mut());
    }
    Ok(answer)
}

/// How many records were dealt with.
fn records(counts: ImportCounts) -> u64 {
    counts.created + counts.updated + counts.unchanged + counts.refused
}

/// The answer: what was reported of records, and `summary` behind it.
fn report<I: Import>(import: I, summary: Vec<u8>, call: &Call) -> Answer {
    let request_id = call.request_id.clone();
    let state = Some((import, Some(summary), request_id));
    let frames = futures_util::stream::unfold(state, |state| async {
        let (mut import, mut summary, request_id) = state?;
        let data = match import.read_report().await {
            Ok(Some(part)) => part,
            Ok(None) => summary.take()?,
            Err(error) => {
                log_cause(&Problem::from(error), request_id.to_str().unwrap_or(""));
                return Some((Err(BrokenOff), None));
            }
        };
        let frame = Frame::data(Bytes::from(data));
        Some((Ok(frame), Some((import, summary, request_id))))
    });
    let mut answer = Response::new(AnswerBody::streamed(frames));
    let media_type = HeaderValue::from_static("application/jsonl");
    answer.headers_mut().insert(CONTENT_TYPE, media_type);
    answer
}

/// The records of the next transaction.
#[derive(Default)]
struct Pending {
    batch: ImportBatch,
    lines: Vec<Line>,
    keys: HashSet<String>,
    bytes: usize,
}

/// An import that is being made.
struct Run<'s, S: BulkStore> {
    service: &'s Service<S>,
    query: ImportQuery,
    import: S::Import,
    records: Records<Incoming>,
    pending: Pending,
    deadline: Instant,
}

impl<S: BulkStore> Run<'_, S> {
    /// Reads the body to its end and imports what is in it; what became of the users that are not.
    async fn all(&mut self) -> Result<Absent, Problem> {
        self.skip().await?;
        let limit = self.service.settings.bulk.import_batch;
        loop {
            let record = tokio::time::timeout_at(self.deadline, self.records.next()).await;
            let Some(record) = record.map_err(|_| too_long())?? else {
                break;
            };
            if self.import.progress().is_finished {
                return Err(DirectoryError::IdempotencyKeyReused.into());
            }
            self.add(record).await?;
            let is_full = self.pending.lines.len() >= limit || self.pending.bytes >= BATCH_BYTES;
            if is_full {
                self.apply(self.records.mark()).await?;
            }
        }
        self.apply(self.records.mark()).await?;
        if self.import.progress().is_finished {
            return Ok(Absent::default());
        }
        let absent = self.end_synchronisation().await?;
        if absent.kept_because.is_none() {
            self.import.finish().await?;
        }
        Ok(absent)
    }

    /// Skips the records that an earlier attempt has dealt with.
    async fn skip(&mut self) -> Result<(), Problem> {
        let done = self.import.progress().mark;
        if done.records == 0 {
            return Ok(());
        }
        let reused = || Problem::from(DirectoryError::IdempotencyKeyReused);
        while self.records.count() < done.records {
            let record = tokio::time::timeout_at(self.deadline, self.records.next()).await;
            record.map_err(|_| too_long())??.ok_or_else(reused)?;
        }
        if self.records.mark() == done {
            Ok(())
        } else {
            Err(reused())
        }
    }

    /// Adds a record to the next transaction; one whose address is in it already begins another.
    async fn add(&mut self, record: Record) -> Result<(), Problem> {
        let number = record.line;
        let refused = match record.profile {
            Ok(profile) => {
                let key = profile.email.key();
                if self.pending.keys.contains(&key) {
                    self.apply(self.records.mark_before_last()).await?;
                }
                // The texts, their folded forms and their grams.
                self.pending.bytes += 256 + 6 * (key.len() + profile.name.as_str().len());
                self.pending.keys.insert(key);
                let id = self.service.source.user_id();
                self.pending.batch.users.push((id, profile));
                None
            }
            Err(problem) => {
                self.pending.batch.refused += 1;
                Some(problem)
            }
        };
        self.pending.lines.push(Line { number, refused });
        Ok(())
    }

    /// Imports what is pending, and leaves the database to others for a while.
    async fn apply(&mut self, mark: ImportMark) -> Result<(), Problem> {
        let Pending { batch, lines, .. } = std::mem::take(&mut self.pending);
        if lines.is_empty() {
            return Ok(());
        }
        self.check_drain()?;
        let begun = Instant::now();
        let before = self.import.progress().counts;
        let (all, dry) = (self.query.reports_all, self.query.is_dry_run);
        let report = |outcomes: &[ImportOutcome]| write_lines(&lines, outcomes, all, dry);
        let at = self.service.source.now();
        self.import.apply(&batch, mark, at, report).await?;
        let after = self.import.progress().counts;
        self.service.metrics.imported([
            after.created - before.created,
            after.updated - before.updated,
            after.unchanged - before.unchanged,
            after.refused - before.refused,
        ]);
        let pause = self.pause(begun.elapsed());
        sleep(pause).await;
        Ok(())
    }

    /// Removes the users that are not in a synchronisation, if they are as few as the client says.
    async fn end_synchronisation(&mut self) -> Result<Absent, Problem> {
        let (ImportMode::Sync, Some(most)) = (self.query.mode, self.query.max_deletes) else {
            return Ok(Absent::default());
        };
        let refused = self.import.progress().counts.refused;
        if refused > 0 {
            // Whom they would keep is not known.
            return Ok(Absent {
                found: None,
                kept_because: Some(format!(
                    "{refused} records were refused, so it is not known who is absent; correct them and send all again"
                )),
            });
        }
        let how = self.query.absent;
        let found = self.import.count_absent(how).await?;
        if found > most {
            return Ok(Absent {
                found: Some(found),
                kept_because: Some(format!(
                    "{found} users are absent, and max_deletes is {most}; repeat with a larger one to remove them"
                )),
            });
        }
        while !self.query.is_dry_run {
            self.check_drain()?;
            if Instant::now() >= self.deadline {
                return Err(too_long());
            }
            let begun = Instant::now();
            let at = self.service.source.now();
            if self.import.remove_absent(how, at).await? == 0 {
                break;
            }
            let pause = self.pause(begun.elapsed());
            sleep(pause).await;
        }
        Ok(Absent {
            found: Some(found),
            kept_because: None,
        })
    }

    /// How long to wait so that the import has its share of the time, and no more.
    fn pause(&self, worked: Duration) -> Duration {
        let settings = &self.service.settings.bulk;
        let share = settings.import_share_percent.clamp(1, 100);
        worked * (100 - share) / share
    }

    /// An import does not hold up a service that shuts down: it is continued elsewhere.
    fn check_drain(&self) -> Result<(), Problem> {
        if !*self.service.draining.borrow() {
            return Ok(());
        }
        let detail = "the service is shutting down; repeat the import with its Idempotency-Key to continue it";
        Err(ProblemKind::Unavailable.with_detail(detail).retry_after(1))
    }
}

fn too_long() -> Problem {
    ProblemKind::RequestTimeout.with_detail(
        "the import takes longer than --import-timeout-ms; repeat it with its Idempotency-Key to continue it",
    )
}
