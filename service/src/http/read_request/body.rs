//! Bodies: read under a limit and a deadline.

use super::media_types::require_identity;
use crate::http::problem::{Problem, ProblemKind};
use bytes::{Bytes, BytesMut};
use futures_util::FutureExt;
use http::HeaderMap;
use http::header::CONTENT_LENGTH;
use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};
use std::time::Duration;

/// Reads a body of at most `limit` bytes that has to arrive within `deadline`.
pub(in crate::http) async fn read_body(
    headers: &HeaderMap,
    body: &mut Incoming,
    limit: usize,
    deadline: Duration,
) -> Result<Bytes, Problem> {
    if body.is_end_stream() {
        return Ok(Bytes::new());
    }
    require_identity(headers)?;
    let announced = headers
        .get(CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|length| length > limit as u64) {
        return Err(too_large(limit));
    }
    // Most bodies come with their headers: no timer is set for those.
    let mut collecting = Box::pin(collect(body, limit));
    if let Some(outcome) = (&mut collecting).now_or_never() {
        return outcome;
    }
    tokio::time::timeout(deadline, collecting)
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
