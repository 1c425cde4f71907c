//! The fuzz targets of what handlers parse: patches, queries and cursors (`http/fuzzing.rs` lists all).

#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "a panic is how a fuzz target reports a defect"
)]

use super::bulk::formats::Format;
use super::bulk::records::{RecordLimits, Records};
use super::cursor::CursorSeal;
use super::list_query::{Parameters, context};
use super::patch::Patch;
use super::tokens::is_form;
use super::user_json::{is_server_member, read_profile, to_value};
use super::waiting::asks_to_wait;
use crate::domain::{ImportMark, Timestamp, User, UserId};
use crate::http::read_request::parse_json;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue};
use http_body_util::StreamBody;
use hyper::body::Frame;
use serde_json::json;
use std::convert::Infallible;
use std::sync::LazyLock;
use std::time::Duration;
use uuid::Uuid;

const BODY_LIMIT_BYTES: usize = 65_536;

/// The user that patches are applied to.
pub(in crate::http) fn ada() -> User {
    static ADA: LazyLock<User> = LazyLock::new(|| {
        let profile = read_profile(json!({
            "email": "ada@example.com", "name": "Ada", "phone": "+442079460000", "title": "Analyst",
        }));
        let id = UserId(Uuid::from_u128(0x0193_6f5e_8c3a_7000_8000_0000_0000_0001));
        User::new(id, profile.expect("a user"), Timestamp::from_unix_micros(0))
    });
    ADA.clone()
}

fn seal() -> &'static CursorSeal {
    static SEAL: LazyLock<CursorSeal> = LazyLock::new(|| CursorSeal::new(&[7; 32]).expect("a key"));
    &SEAL
}

/// The first byte chooses the format of an import, the second the size of the pieces in which the rest arrives. What is found
/// in it does not depend on them.
pub(in crate::http) fn records(data: &[u8]) {
    let [kind, size, body @ ..] = data else {
        return;
    };
    let format = if kind & 1 == 0 {
        Format::Lines("application/jsonl")
    } else {
        Format::Csv
    };
    let whole = found(format, body, body.len().max(1));
    let pieces = found(format, body, usize::from(*size) + 1);
    assert_eq!(whole, pieces, "records depend on how they arrive");
}

/// The lines of the records, whether each is a user, and up to where the body was read; or the problem of the whole.
fn found(
    format: Format,
    body: &[u8],
    piece: usize,
) -> Result<(Vec<(u64, bool)>, ImportMark), String> {
    let pieces: Vec<_> = body
        .chunks(piece)
        .map(|piece| Ok::<_, Infallible>(Frame::data(Bytes::copy_from_slice(piece))))
        .collect();
    let limits = RecordLimits {
        bytes: 1024,
        pause: Duration::from_secs(5),
    };
    let mut records = Records::new(
        StreamBody::new(futures_util::stream::iter(pieces)),
        format,
        limits,
    );
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build();
    runtime.expect("a runtime").block_on(async {
        let mut lines = Vec::new();
        loop {
            match records.next().await {
                Ok(Some(record)) => lines.push((record.line, record.profile.is_ok())),
                Ok(None) => return Ok((lines, records.mark())),
                Err(problem) => return Err(problem.detail().to_owned()),
            }
        }
    })
}

/// The first byte chooses the kind of patch, the rest is its body. A patch that is accepted leaves what is a valid user.
pub(in crate::http) fn patch(data: &[u8]) {
    let Some((kind, body)) = data.split_first() else {
        return;
    };
    let media_type = if kind & 1 == 0 {
        "application/merge-patch+json"
    } else {
        "application/json-patch+json"
    };
    let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(media_type))]);
    let Ok(patch) = Patch::read(&headers, body, BODY_LIMIT_BYTES) else {
        return;
    };
    let user = ada();
    let (Ok(profile), Ok(again)) = (patch.apply(&user), patch.apply(&user)) else {
        return;
    };
    assert_eq!(profile, again, "a patch has one outcome");
    let mut document = to_value(&User {
        profile: profile.clone(),
        ..user
    });
    if let Some(members) = document.as_object_mut() {
        members.retain(|name, _| !is_server_member(name));
    }
    let read = read_profile(document).expect("the outcome of a patch is a valid user");
    assert_eq!(read, profile, "a user is read back as it was");
}

/// The first byte chooses where a query comes from: a URL, the body of QUERY, or the form of a token request.
pub(in crate::http) fn query(data: &[u8]) {
    let Some((kind, rest)) = data.split_first() else {
        return;
    };
    let text = String::from_utf8_lossy(rest);
    let parameters = match kind % 3 {
        0 => {
            asks_to_wait(&text);
            Parameters::from_url(&text)
        }
        1 => parse_json(rest, BODY_LIMIT_BYTES).and_then(Parameters::from_json),
        _ => {
            is_form(rest);
            return;
        }
    };
    let Ok(request) = parameters.and_then(|parameters| parameters.read_page_request(seal())) else {
        return;
    };
    assert!((1..=200).contains(&request.limit));
    let bound = context(&request.filters, request.sort);
    let lines = bound.split(|byte| *byte == b'\n').count();
    let filters = &request.filters;
    let given = [
        filters.email.is_some(),
        filters.department.is_some(),
        filters.status.is_some(),
        filters.search.is_some(),
    ];
    let given = given.into_iter().filter(|given| *given).count();
    assert_eq!(lines, 1 + given, "no value pretends to be another filter");
}

/// The first byte chooses between text as a client sends it, and what would be in a cursor if a client could seal one.
pub(in crate::http) fn cursor(data: &[u8]) {
    let Some((kind, rest)) = data.split_first() else {
        return;
    };
    let seal = seal();
    if kind & 1 == 0 {
        let text = String::from_utf8_lossy(rest);
        assert_eq!(seal.open(b"name", &text), None, "a cursor was forged");
        assert_eq!(seal.open_position(&text), None, "a position was forged");
        return;
    }
    let sealed = |context: &[u8]| seal.seal_bytes(context, rest.to_vec()).expect("a seal");
    if let Some(cursor) = seal.open(b"name", &sealed(b"name")) {
        let again = seal.seal(b"name", &cursor).expect("a seal");
        assert_eq!(seal.open(b"name", &again), Some(cursor));
        assert_eq!(seal.open(b"-name", &again), None, "bound to its query");
    }
    if let Some(position) = seal.open_position(&sealed(b"changes")) {
        let again = seal.seal_position(position).expect("a seal");
        assert_eq!(seal.open_position(&again), Some(position));
    }
}
