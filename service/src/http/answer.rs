//! What a handler answers with: a response whose body is complete. Knows nothing of routes or users.

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Response};
use http_body_util::Full;

/// A response, its body in memory.
pub(in crate::http) type Answer = Response<Full<Bytes>>;

/// The media type of the API's documents (RFC 8259).
pub(in crate::http) const APPLICATION_JSON: HeaderValue =
    HeaderValue::from_static("application/json");

/// A 200 with a JSON document.
pub(in crate::http) fn json(document: impl Into<Bytes>) -> Answer {
    let mut answer = Response::new(Full::new(document.into()));
    answer.headers_mut().insert(CONTENT_TYPE, APPLICATION_JSON);
    answer
}
