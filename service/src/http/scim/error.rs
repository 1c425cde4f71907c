//! Errors in SCIM's form (RFC 7644, 3.12): what is a problem document elsewhere is this below `/scim`.

use super::protocol::error::{ScimError, ScimType};
use crate::http::answer::{Answer, AnswerBody};
use crate::http::problem::{Problem, ProblemKind};
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Response, StatusCode};
use serde_json::{Value, json};

/// The media type of everything in SCIM (RFC 7644, 3.1).
pub(super) const APPLICATION_SCIM_JSON: HeaderValue =
    HeaderValue::from_static("application/scim+json");

/// The member of a problem that carries its `scimType`.
const SCIM_TYPE: &str = "scimType";

/// Whether errors of this path have SCIM's form.
pub(in crate::http) fn is_scim(path: &str) -> bool {
    path.starts_with("/scim/")
}

impl From<ScimError> for Problem {
    fn from(error: ScimError) -> Self {
        let kind = match error.scim_type {
            ScimType::Uniqueness => ProblemKind::EmailTaken,
            ScimType::InvalidFilter
            | ScimType::TooMany
            | ScimType::InvalidCursor
            | ScimType::ExpiredCursor
            | ScimType::InvalidCount => ProblemKind::InvalidQuery,
            _ => ProblemKind::MalformedRequest,
        };
        let scim_type = error.scim_type.as_str();
        kind.with_detail(error.detail)
            .with_member(SCIM_TYPE, scim_type)
    }
}

/// The response to a call that ended with `problem`.
pub(in crate::http) fn render(problem: &Problem) -> Answer {
    let mut answer = response(status(problem), &document(problem));
    for (name, value) in problem.headers() {
        answer.headers_mut().append(name, value.clone());
    }
    answer
}

/// A problem as the document of a response, or of one operation of a bulk request.
pub(super) fn document(problem: &Problem) -> Value {
    let detail = match problem.faults() {
        [] => problem.detail().to_owned(),
        faults => faults
            .iter()
            .map(|fault| format!("{} {}", fault.pointer.trim_start_matches('/'), fault.detail))
            .collect::<Vec<_>>()
            .join("; "),
    };
    let scim_type = problem
        .member(SCIM_TYPE)
        .and_then(Value::as_str)
        .or(match problem.kind {
            ProblemKind::EmailTaken => Some(ScimType::Uniqueness.as_str()),
            ProblemKind::MalformedRequest => Some(ScimType::InvalidSyntax.as_str()),
            ProblemKind::InvalidQuery | ProblemKind::ValidationFailed => {
                Some(ScimType::InvalidValue.as_str())
            }
            _ => None,
        });
    error_document(status(problem), scim_type, &detail)
}

/// The status of a problem: those of `WebDAV` and of newer standards are ones that SCIM does not name.
pub(super) fn status(problem: &Problem) -> StatusCode {
    match problem.kind {
        ProblemKind::ValidationFailed => StatusCode::BAD_REQUEST,
        kind => kind.status(),
    }
}

/// A response that is an error without being a problem elsewhere.
pub(super) fn refuse(status: StatusCode, detail: &str) -> Answer {
    response(status, &error_document(status, None, detail))
}

fn error_document(status: StatusCode, scim_type: Option<&str>, detail: &str) -> Value {
    let mut document = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"],
        "status": status.as_str(),
        "detail": detail,
    });
    if let Some(scim_type) = scim_type {
        document[SCIM_TYPE] = scim_type.into();
    }
    document
}

fn response(status: StatusCode, document: &Value) -> Answer {
    let mut answer = Response::new(AnswerBody::new(Bytes::from(document.to_string())));
    *answer.status_mut() = status;
    answer
        .headers_mut()
        .insert(CONTENT_TYPE, APPLICATION_SCIM_JSON);
    answer
}
