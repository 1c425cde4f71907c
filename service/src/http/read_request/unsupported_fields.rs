//! Header fields that would make a request mean something else than its method says: what is not done is refused.

use crate::http::problem::{Problem, ProblemKind};
use http::header::CONTENT_RANGE;
use http::{HeaderMap, HeaderName, Method};

/// Fields by which frameworks let a POST stand for another method.
const METHOD_OVERRIDES: [HeaderName; 3] = [
    HeaderName::from_static("x-http-method-override"),
    HeaderName::from_static("x-http-method"),
    HeaderName::from_static("x-method-override"),
];

/// Refuses a part of a representation in place of the whole (RFC 9110, 14.5), and a POST that stands for another method.
///
/// # Errors
/// 400, naming the field.
pub(in crate::http) fn refuse_unsupported_fields(
    method: &Method,
    headers: &HeaderMap,
) -> Result<(), Problem> {
    if headers.contains_key(CONTENT_RANGE) {
        return Err(ProblemKind::MalformedRequest.with_detail(
            "Content-Range is not supported: PUT replaces the whole user; PATCH changes a part",
        ));
    }
    if method == Method::POST
        && let Some(field) = METHOD_OVERRIDES
            .iter()
            .find(|field| headers.contains_key(*field))
    {
        return Err(ProblemKind::MalformedRequest.with_detail(format!(
            "{field} is not supported: send the request with the method that is meant"
        )));
    }
    Ok(())
}
