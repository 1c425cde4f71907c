//! Bodies: read under a limit and a deadline.

use super::media_types::require_identity;
use crate::http::problem::{Problem, ProblemKind};
use bytes::{Bytes, BytesMut};
use futures_util::FutureExt;
use http::HeaderMap;
use http::header::CONTENT_LENGTH;
use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

/// A body, as far as it has arrived.
pub(in crate::http) enum Arrival<'b> {
    /// It came with its head, as most do.
    Whole(Bytes),
    /// Some of it has yet to come.
    Partial(Pin<Box<dyn Future<Output = Result<Bytes, Problem>> + Send + 'b>>),
}

/// Reads what has arrived of a body of at most `limit` bytes.
///
/// # Errors
/// 413 and 415 as soon as they are known, 400 for a body that breaks off.
pub(in crate::http) fn begin_body<'b>(
    headers: &HeaderMap,
    body: &'b mut Incoming,
    limit: usize,
) -> Result<Arrival<'b>, Problem> {
    if body.is_end_stream() {
        return Ok(Arrival::Whole(Bytes::new()));
    }
    require_identity(headers)?;
    let announced = headers
        .get(CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|length| length > limit as u64) {
        return Err(too_large(limit));
    }
    let mut collecting = Box::pin(collect(body, limit));
    match (&mut collecting).now_or_never() {
        Some(outcome) => outcome.map(Arrival::Whole),
        None => Ok(Arrival::Partial(collecting)),
    }
}

/// Reads the rest of a body, which has to arrive within `deadline`.
///
/// # Errors
/// 408 when it does not, 413 and 400 as before.
pub(in crate::http) async fn finish_body(
    rest: impl Future<Output = Result<Bytes, Problem>>,
    deadline: Duration,
) -> Result<Bytes, Problem> {
    tokio::time::timeout(deadline, rest)
        .await
        .unwrap_or_else(|_| {
            Err(ProblemKind::RequestTimeout
                .with_detail("the body did not arrive before the deadline; retry"))
        })
}

async fn collect(body: &mut Incoming, limit: usize) -> Result<Bytes, Problem> {
    let mut first: Option<Bytes> = None;
    let mut rest = BytesMut::new();
    let mut length = 0;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| {
            ProblemKind::MalformedRequest
                .with_detail("the body is incomplete: the connection ended")
        })?;
        let Ok(data) = frame.into_data() else {
            continue;
        };
        length += data.len();
        if length > limit {
            return Err(too_large(limit));
        }
        match first {
            None => first = Some(data),
            Some(ref first) => {
                if rest.is_empty() {
                    rest.extend_from_slice(first);
                }
                rest.extend_from_slice(&data);
            }
        }
    }
    Ok(if rest.is_empty() {
        first.unwrap_or_default()
    } else {
        rest.freeze()
    })
}

fn too_large(limit: usize) -> Problem {
    ProblemKind::ContentTooLarge.with_detail(format!("the body exceeds the limit of {limit} bytes"))
}
