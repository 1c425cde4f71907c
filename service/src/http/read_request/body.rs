//! Bodies: read under a limit and a deadline.

use super::media_types::demand_identity;
use crate::http::problem::{Problem, ProblemKind};
use bytes::{Bytes, BytesMut};
use futures_util::FutureExt;
use http::header::CONTENT_LENGTH;
use http::{HeaderMap, Request};
use http_body_util::{BodyExt, Full};
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
    demand_identity(headers)?;
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
            Err(ProblemKind::RequestTimeout.with_detail("the body did not arrive in time"))
        })
}

async fn collect(body: &mut Incoming, limit: usize) -> Result<Bytes, Problem> {
    let mut first: Option<Bytes> = None;
    let mut rest = BytesMut::new();
    let mut length = 0;
    while let Some(frame) = body.frame().await {
        let frame =
            frame.map_err(|_| ProblemKind::MalformedRequest.with_detail("the body broke off"))?;
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
    ProblemKind::ContentTooLarge.with_detail(format!("the body may have at most {limit} bytes"))
}

/// The body that the edge has read.
pub(in crate::http) async fn body_of(request: Request<Full<Bytes>>) -> Bytes {
    match request.into_body().collect().await {
        Ok(collected) => collected.to_bytes(),
        Err(never) => match never {},
    }
}
