//! Responses with resources: media type, entity tag, location.

use super::error::APPLICATION_SCIM_JSON;
use super::protocol::Resource;
use crate::domain::Version;
use crate::http::answer::{Answer, AnswerBody};
use crate::http::read_request::write_entity_tag;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, ETAG, LOCATION};
use http::{HeaderValue, Response, StatusCode};
use serde_json::Value;

/// The entity tag of a version, as `meta.version` and `ETag` have it.
pub(super) fn entity_tag(version: Version) -> String {
    let mut tag = Vec::with_capacity(20);
    write_entity_tag(&mut tag, version);
    String::from_utf8(tag).unwrap_or_default()
}

/// A response with a document of SCIM.
pub(super) fn document(status: StatusCode, document: &Value) -> Answer {
    with_text(status, document.to_string())
}

/// A response with one user.
pub(super) fn resource(
    status: StatusCode,
    resource: &Resource,
    version: Version,
    location: &str,
) -> Answer {
    let text = serde_json::to_string(resource).unwrap_or_default();
    let mut answer = with_text(status, text);
    let fields = [(ETAG, entity_tag(version)), (LOCATION, location.to_owned())];
    for (name, value) in fields {
        if let Ok(value) = HeaderValue::try_from(value) {
            answer.headers_mut().insert(name, value);
        }
    }
    answer
}

/// The response to a client that has the version with this entity tag already (RFC 9110, 15.4.5).
pub(super) fn not_modified(tag: impl TryInto<HeaderValue>) -> Answer {
    let mut answer = empty(StatusCode::NOT_MODIFIED);
    if let Ok(tag) = tag.try_into() {
        answer.headers_mut().insert(ETAG, tag);
    }
    answer
}

/// A response without a body.
pub(super) fn empty(status: StatusCode) -> Answer {
    let mut answer = Response::new(AnswerBody::default());
    *answer.status_mut() = status;
    answer
}

fn with_text(status: StatusCode, text: String) -> Answer {
    let mut answer = Response::new(AnswerBody::new(Bytes::from(text)));
    *answer.status_mut() = status;
    answer
        .headers_mut()
        .insert(CONTENT_TYPE, APPLICATION_SCIM_JSON);
    answer
}
