//! The records of an import, found in its body as it arrives: each with its line, and either a profile or its faults.
//!
//! What is in memory is one record, of limited size, and what the connection has handed over.

mod csv;

use super::formats::Format;
use crate::domain::{ImportMark, Profile};
use crate::http::api::user_json::{SERVER_MEMBERS, read_profile};
use crate::http::problem::{Problem, ProblemKind};
use crate::http::read_request::parse_json;
use aws_lc_rs::digest::{Context, SHA256};
use bytes::{Buf, Bytes, BytesMut};
use csv::{CsvFound, CsvRecords};
use http_body_util::BodyExt;
use hyper::body::Body;
use serde_json::Value;
use std::time::Duration;

/// The byte order mark that some programs begin a file with.
const BOM: &[u8] = b"\xef\xbb\xbf";

/// A record of an import.
pub(in crate::http::api) struct Record {
    /// The line on which it begins; the first is 1.
    pub(in crate::http::api) line: u64,
    /// What it holds.
    pub(in crate::http::api) profile: Result<Profile, Box<Problem>>,
}

/// The limits of reading.
#[derive(Clone, Copy, Debug)]
pub(in crate::http::api) struct RecordLimits {
    /// The most bytes of a record.
    pub(in crate::http::api) bytes: usize,
    /// The longest pause of the client.
    pub(in crate::http::api) pause: Duration,
}

/// Reads records from a body.
pub(in crate::http::api) struct Records<B> {
    body: B,
    limits: RecordLimits,
    /// What has arrived and was not looked at.
    arrived: BytesMut,
    has_ended: bool,
    lines: Lines,
    /// Of all bytes before the last record, and their number.
    digest: Context,
    bytes: u64,
    /// The bytes of the last record, behind the first line of a CSV.
    last: Vec<u8>,
    /// Where the record begins in them.
    last_from: usize,
    /// The ends of lines before the last record, of CSV.
    newlines: u64,
    count: u64,
}

/// What records look like.
enum Lines {
    Json {
        line: u64,
        /// Where the next end of a line is looked for.
        looked: usize,
        is_first: bool,
    },
    Csv(Box<CsvRecords>),
}

impl<B: Body<Data = Bytes> + Unpin> Records<B> {
    pub(in crate::http::api) fn new(body: B, format: Format, limits: RecordLimits) -> Self {
        let lines = match format {
            Format::Lines(_) => Lines::Json {
                line: 0,
                looked: 0,
                is_first: true,
            },
            Format::Csv => Lines::Csv(Box::new(CsvRecords::new(limits.bytes))),
        };
        Self {
            body,
            limits,
            arrived: BytesMut::new(),
            has_ended: false,
            lines,
            digest: Context::new(&SHA256),
            bytes: 0,
            last: Vec::new(),
            last_from: 0,
            newlines: 0,
            count: 0,
        }
    }

    /// Up to where records were read.
    pub(in crate::http::api) fn mark(&self) -> ImportMark {
        let mut digest = self.digest.clone();
        digest.update(&self.last);
        let bytes = self.bytes + self.last.len() as u64;
        mark(self.count, bytes, digest)
    }

    /// Where the last record begins.
    pub(super) fn mark_before_last(&self) -> ImportMark {
        let records = self.count.saturating_sub(1);
        mark(records, self.bytes, self.digest.clone())
    }

    /// The last record is one of those before the next one.
    fn settle(&mut self) {
        self.digest.update(&self.last);
        self.bytes += self.last.len() as u64;
        self.newlines += newlines(&self.last);
        self.last.clear();
        self.last_from = 0;
    }

    /// The line on which the last record of a CSV begins: behind the rest of the end of the one before, and empty lines.
    fn csv_line(&self) -> u64 {
        let (before, record) = self.last.split_at(self.last_from);
        let is_text = |byte: &u8| !matches!(byte, b'\r' | b'\n');
        let begins = record.iter().position(is_text).unwrap_or(0);
        1 + self.newlines + newlines(before) + newlines(&record[..begins])
    }

    /// How many records were read.
    pub(super) fn count(&self) -> u64 {
        self.count
    }

    /// The body, if there may be more of it.
    pub(super) fn into_unread(self) -> Option<B> {
        (!self.has_ended).then_some(self.body)
    }

    /// The next record; `None` at the end of the body.
    ///
    /// # Errors
    /// 408 and 400 when the body does not arrive, 400 when its first line is not that of a CSV of users.
    pub(in crate::http::api) async fn next(&mut self) -> Result<Option<Record>, Problem> {
        if self.count > 0 {
            self.settle();
        }
        loop {
            match &mut self.lines {
                Lines::Json {
                    line,
                    looked,
                    is_first,
                } => {
                    let found = json_line(&mut self.arrived, self.has_ended, looked, self.limits);
                    match found {
                        Found::Line(raw) => {
                            *line += 1;
                            let first = std::mem::replace(is_first, false);
                            let text = trimmed(&raw, first);
                            // Of one that is too long, nothing else is known.
                            let is_too_long = raw.len() > self.limits.bytes;
                            if !is_too_long && (text.is_empty() || is_last_of_export(text)) {
                                continue;
                            }
                            // How much of one that is too long was kept depends on how it arrived.
                            let kept = raw.len().min(self.limits.bytes + 1);
                            self.last.extend_from_slice(&raw[..kept]);
                            self.count += 1;
                            let profile = if is_too_long {
                                Err(Box::new(too_long(self.limits.bytes)))
                            } else {
                                profile_of_json(text, self.limits.bytes)
                            };
                            return Ok(Some(Record {
                                line: *line,
                                profile,
                            }));
                        }
                        Found::Nothing => {}
                        Found::End => return Ok(None),
                    }
                }
                Lines::Csv(csv) => {
                    let (found, consumed) = csv.read(&self.arrived, self.has_ended)?;
                    if !matches!(found, CsvFound::End) {
                        self.last.extend_from_slice(&self.arrived[..consumed]);
                    }
                    self.arrived.advance(consumed);
                    match found {
                        CsvFound::Header => {
                            self.last_from = self.last.len();
                            continue;
                        }
                        CsvFound::Record(profile) => {
                            self.count += 1;
                            let line = self.csv_line();
                            return Ok(Some(Record { line, profile }));
                        }
                        CsvFound::Nothing => {}
                        CsvFound::End => return Ok(None),
                    }
                }
            }
            self.receive().await?;
        }
    }

    /// Waits for more of the body.
    async fn receive(&mut self) -> Result<(), Problem> {
        let frame = tokio::time::timeout(self.limits.pause, self.body.frame()).await;
        let frame = frame.map_err(|_| {
            ProblemKind::RequestTimeout
                .with_detail("the body did not go on before the deadline; repeat the import")
        })?;
        match frame {
            None => self.has_ended = true,
            Some(Ok(frame)) => {
                if let Ok(data) = frame.into_data() {
                    self.append(data);
                }
            }
            Some(Err(_)) => {
                return Err(ProblemKind::MalformedRequest
                    .with_detail("the body is incomplete: the connection ended"));
            }
        }
        Ok(())
    }

    fn append(&mut self, data: Bytes) {
        if self.arrived.is_empty() {
            self.arrived = BytesMut::from(data);
        } else {
            self.arrived.extend_from_slice(&data);
        }
    }
}

fn newlines(bytes: &[u8]) -> u64 {
    memchr::memchr_iter(b'\n', bytes).count() as u64
}

fn mark(records: u64, bytes: u64, digest: Context) -> ImportMark {
    let digest = digest.finish();
    ImportMark {
        records,
        bytes,
        digest: digest.as_ref().try_into().unwrap_or([0; 32]),
    }
}

enum Found {
    Line(BytesMut),
    /// More has to arrive.
    Nothing,
    End,
}

/// Takes the next line with its end. Of one that is too long, what is kept is longer than the limit, and no more.
fn json_line(
    arrived: &mut BytesMut,
    has_ended: bool,
    looked: &mut usize,
    limits: RecordLimits,
) -> Found {
    if let Some(at) = memchr::memchr(b'\n', &arrived[*looked..]) {
        let length = *looked + at + 1;
        *looked = 0;
        return Found::Line(arrived.split_to(length));
    }
    if has_ended {
        *looked = 0;
        return if arrived.is_empty() {
            Found::End
        } else {
            Found::Line(std::mem::take(arrived))
        };
    }
    if arrived.len() > 2 * limits.bytes {
        // Its end is still to come; what it holds will not be looked at.
        arrived.truncate(limits.bytes + 1);
    }
    *looked = arrived.len();
    Found::Nothing
}

fn trimmed(raw: &[u8], is_first: bool) -> &[u8] {
    let raw = if is_first {
        raw.strip_prefix(BOM).unwrap_or(raw)
    } else {
        raw
    };
    raw.trim_ascii()
}

/// Whether a line is the last record of an export, which is not a user.
fn is_last_of_export(text: &[u8]) -> bool {
    text.starts_with(b"{\"users\":") && text.len() < 512
}

fn too_long(limit: usize) -> Problem {
    ProblemKind::ContentTooLarge
        .with_detail(format!("the record exceeds the limit of {limit} bytes"))
}

/// Reads a profile; members that the server sets, as exports have them, are left out.
fn profile_of_json(text: &[u8], limit: usize) -> Result<Profile, Box<Problem>> {
    let mut value = parse_json(text, limit)?;
    if let Value::Object(members) = &mut value {
        for name in SERVER_MEMBERS {
            members.remove(name);
        }
    }
    Ok(read_profile(value)?)
}
