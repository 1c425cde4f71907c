//! The formats of exports and imports: one JSON object a line, or CSV (RFC 4180).

use crate::http::problem::{Problem, ProblemKind};
use crate::http::read_request::{media_type, require_acceptable};
use http::header::ACCEPT;
use http::{HeaderMap, HeaderValue};

/// What users are written as, or read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::http::api) enum Format {
    /// One JSON object a line, under this name.
    Lines(&'static str),
    Csv,
}

/// The names of JSON lines, the registered one first; and of CSV.
const LINES: [&str; 2] = ["application/jsonl", "application/x-ndjson"];
const CSV: &str = "text/csv";
/// All of them, as header fields list them.
const OFFERED: HeaderValue =
    HeaderValue::from_static("application/jsonl, application/x-ndjson, text/csv");

impl Format {
    /// The format that the client accepts: JSON lines where it takes several.
    ///
    /// # Errors
    /// 406 when it takes none.
    pub(super) fn accepted(headers: &HeaderMap) -> Result<Self, Problem> {
        for name in LINES {
            if require_acceptable(headers, name).is_ok() {
                return Ok(Self::Lines(name));
            }
        }
        if require_acceptable(headers, CSV).is_ok() {
            return Ok(Self::Csv);
        }
        let detail =
            "this resource is available as application/jsonl, application/x-ndjson and text/csv";
        Err(ProblemKind::NotAcceptable.with_detail(detail))
    }

    /// The format of a body.
    ///
    /// # Errors
    /// 415 when it is another one.
    pub(super) fn of_body(headers: &HeaderMap) -> Result<Self, Problem> {
        let found = media_type(headers);
        if let Some(name) = LINES.into_iter().find(|name| *name == found) {
            return Ok(Self::Lines(name));
        }
        if found == CSV {
            return Ok(Self::Csv);
        }
        let detail = "the body must be application/jsonl, application/x-ndjson or text/csv";
        Err(ProblemKind::UnsupportedMediaType
            .with_detail(detail)
            .with_header(ACCEPT, OFFERED))
    }

    /// The media type of an answer.
    pub(super) fn media_type(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::Lines(name) => name,
            Self::Csv => "text/csv; charset=utf-8; header=present",
        })
    }
}
