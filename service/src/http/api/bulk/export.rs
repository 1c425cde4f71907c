//! `GET /v1/users/export`: every user of one snapshot, and the cursor of the change feed that continues it.
//!
//! The body is made no faster than the client reads it. Its last record and its trailer are what says that it is complete.

use super::coding::{Coding, Encoder};
use super::csv_text;
use super::formats::Format;
use crate::domain::{BulkStore, DirectoryError, Export, Filters, User};
use crate::http::answer::{Answer, AnswerBody, BrokenOff};
use crate::http::api::list_query::{Parameters, pairs};
use crate::http::api::service::Service;
use crate::http::api::user_json::{write_text, write_user};
use crate::http::call::Call;
use crate::http::edge::failures::log_cause;
use crate::http::problem::{Problem, ProblemKind};
use crate::metrics::{BulkInProgress, Metrics};
use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderName, TRAILER, VARY};
use http::{HeaderMap, HeaderValue, Method, Response};
use hyper::body::Frame;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{OwnedSemaphorePermit, watch};

/// The header field and the trailer field with the cursor.
const CHANGES_CURSOR: HeaderName = HeaderName::from_static("changes-cursor");
const CHANGES_CURSOR_VALUE: HeaderValue = HeaderValue::from_static("changes-cursor");
/// About how many bytes of users are sent at a time.
const CHUNK: usize = 64 * 1024;

/// Exports users.
pub(in crate::http::api) async fn read<S: BulkStore>(
    service: &Service<S>,
    call: &Call,
) -> Result<Answer, Problem> {
    let format = Format::accepted(call.headers())?;
    let coding = Coding::accepted(call.headers());
    let (filters, formula_safe) = read_query(call.query())?;
    if call.parts.method == Method::HEAD {
        return Ok(head(format, coding, AnswerBody::default()));
    }
    let permit = service.bulk.export()?;
    let export = service.directory.export(&filters).await?;
    let unsealed = || ProblemKind::Internal.with_detail("the cursor could not be sealed");
    let cursor = service.cursors.seal_position(export.position());
    let cursor = cursor.ok_or_else(unsealed)?;
    let value = HeaderValue::try_from(&cursor).map_err(|_| unsealed())?;
    let no_encoder = |_| ProblemKind::Internal.with_detail("the body cannot be compressed");
    let mut plain = Vec::with_capacity(CHUNK + 8192);
    if format == Format::Csv {
        csv_text::write_header(&mut plain);
    }
    let sending = Box::new(Sending {
        export,
        users: Vec::with_capacity(256),
        writer: Writer {
            format,
            formula_safe,
        },
        encoder: coding.encoder().map_err(no_encoder)?,
        plain,
        sent: 0,
        cursor,
        stage: Stage::Users,
        request_id: call.request_id.clone(),
        draining: service.draining.clone(),
        drain_grace: service.settings.bulk.drain_grace,
        cut_off: None,
        _in_progress: service.metrics.export_started(),
        metrics: service.metrics.clone(),
        _permit: permit,
    });
    let frames = futures_util::stream::unfold(sending, Sending::next);
    let mut answer = head(format, coding, AnswerBody::streamed(frames));
    let headers = answer.headers_mut();
    headers.insert(CHANGES_CURSOR, value);
    headers.insert(TRAILER, CHANGES_CURSOR_VALUE);
    Ok(answer)
}

fn head(format: Format, coding: Coding, body: AnswerBody) -> Answer {
    let mut answer = Response::new(body);
    let headers = answer.headers_mut();
    headers.insert(CONTENT_TYPE, format.media_type());
    headers.insert(VARY, HeaderValue::from_static("accept, accept-encoding"));
    if let Some(name) = coding.name() {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static(name));
    }
    answer
}

/// The filters, and whether CSV is to be safe from formulas.
fn read_query(query: &str) -> Result<(Filters, bool), Problem> {
    let (mut parameters, mut formula_safe) = (Parameters::default(), None);
    let invalid = |name: &str, why: &str| {
        ProblemKind::InvalidQuery.with_detail(format!("the parameter '{name}' {why}"))
    };
    for pair in pairs(query) {
        let (name, value) = pair?;
        match &*name {
            "formula_safe" => {
                let wanted = || invalid("formula_safe", "must be true or false");
                let is_safe = value.parse().map_err(|_| wanted())?;
                if formula_safe.replace(is_safe).is_some() {
                    return Err(invalid("formula_safe", "is given twice"));
                }
            }
            "limit" | "cursor" | "sort" => {
                return Err(invalid(
                    &name,
                    "is of lists: an export has every user, in no order",
                ));
            }
            _ => parameters.set(&name, value)?,
        }
    }
    Ok((parameters.read_filters()?, formula_safe.unwrap_or(false)))
}

/// Writes users in one of the formats.
#[derive(Clone, Copy)]
struct Writer {
    format: Format,
    formula_safe: bool,
}

impl Writer {
    fn write(self, out: &mut Vec<u8>, user: &User) {
        match self.format {
            Format::Lines(_) => {
                write_user(out, user);
                out.push(b'\n');
            }
            Format::Csv => csv_text::write_user(out, user, self.formula_safe),
        }
    }

    /// The record behind the last user: how many there were, and where the feed goes on.
    fn finish(self, out: &mut Vec<u8>, users: u64, cursor: &str) {
        if let Format::Lines(_) = self.format {
            let mut count = String::new();
            let _ = write!(count, "{{\"users\":{users},\"next\":");
            out.extend_from_slice(count.as_bytes());
            write_text(out, cursor);
            out.extend_from_slice(b"}\n");
        }
    }
}

/// An export that is being sent.
struct Sending<E> {
    export: E,
    users: Vec<User>,
    writer: Writer,
    encoder: Encoder,
    /// What is written and not yet encoded.
    plain: Vec<u8>,
    /// The users so far.
    sent: u64,
    cursor: String,
    stage: Stage,
    request_id: HeaderValue,
    draining: watch::Receiver<bool>,
    drain_grace: Duration,
    /// When it is broken off, once the service shuts down.
    cut_off: Option<Instant>,
    _in_progress: BulkInProgress,
    metrics: Arc<Metrics>,
    _permit: OwnedSemaphorePermit,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Users,
    Trailers,
    Complete,
    Broken,
}

type Sent<E> = (Result<Frame<Bytes>, BrokenOff>, Box<Sending<E>>);

impl<E: Export> Sending<E> {
    async fn next(mut self: Box<Self>) -> Option<Sent<E>> {
        let frame = match self.stage {
            Stage::Users => match self.fill().await {
                Ok(data) => Ok(Frame::data(Bytes::from(data))),
                Err(problem) => {
                    self.stage = Stage::Broken;
                    let request_id = self.request_id.to_str().unwrap_or("");
                    log_cause(&problem, request_id);
                    Err(BrokenOff)
                }
            },
            Stage::Trailers => {
                self.stage = Stage::Complete;
                let cursor = HeaderValue::try_from(&self.cursor).ok()?;
                Ok(Frame::trailers(HeaderMap::from_iter([(
                    CHANGES_CURSOR,
                    cursor,
                )])))
            }
            Stage::Complete | Stage::Broken => return None,
        };
        Some((frame, self))
    }

    /// The next piece of the body.
    async fn fill(&mut self) -> Result<Vec<u8>, Problem> {
        loop {
            self.check_drain()?;
            let mut plain = std::mem::take(&mut self.plain);
            plain.reserve(CHUNK + 8192);
            while plain.len() < CHUNK {
                self.users.clear();
                self.export.read(&mut self.users).await?;
                if self.users.is_empty() {
                    self.writer.finish(&mut plain, self.sent, &self.cursor);
                    self.stage = Stage::Trailers;
                    return self.encoder.finish(plain).map_err(|error| broken(&error));
                }
                self.sent += self.users.len() as u64;
                for user in &self.users {
                    self.writer.write(&mut plain, user);
                }
            }
            let encoded = self.encoder.encode(plain).map_err(|error| broken(&error))?;
            // A compressor keeps the first pieces to itself.
            if !encoded.is_empty() {
                return Ok(encoded);
            }
        }
    }

    /// Whether there is time left: a service that shuts down does not wait for an export of any length.
    fn check_drain(&mut self) -> Result<(), Problem> {
        if !*self.draining.borrow() {
            return Ok(());
        }
        let grace = self.drain_grace;
        let cut_off = *self.cut_off.get_or_insert_with(|| Instant::now() + grace);
        if Instant::now() < cut_off {
            return Ok(());
        }
        Err(broken("the service is shutting down"))
    }
}

/// The cause of an export that breaks off.
fn broken(why: &(impl ToString + ?Sized)) -> Problem {
    DirectoryError::Internal(why.to_string().into()).into()
}

impl<E> Drop for Sending<E> {
    fn drop(&mut self) {
        let is_complete = self.stage == Stage::Complete;
        self.metrics.export_ended(is_complete, self.sent);
    }
}
