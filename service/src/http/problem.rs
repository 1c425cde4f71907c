//! Errors as clients see them: `application/problem+json` (RFC 9457), never with anything internal in it.

use crate::domain::{DirectoryError, Unavailable};
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER};
use http::{Response, StatusCode};
use http_body_util::Full;
use serde_json::{Value, json};
use std::borrow::Cow;
use std::error::Error;
use std::sync::Arc;

/// Every kind of error of the contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "each is told by its title and its explanation")]
pub(super) enum ProblemKind {
    MalformedRequest,
    InvalidQuery,
    Unauthorized,
    InsufficientScope,
    UserNotFound,
    NotFound,
    MethodNotAllowed,
    NotAcceptable,
    RequestTimeout,
    EmailTaken,
    IdempotencyInProgress,
    PatchTestFailed,
    PreconditionFailed,
    ContentTooLarge,
    UriTooLong,
    UnsupportedMediaType,
    ValidationFailed,
    IdempotencyKeyReused,
    PreconditionRequired,
    RateLimited,
    HeadersTooLarge,
    Internal,
    Unavailable,
}

/// Status, slug, title, and what the page of the type says.
type Entry = (u16, &'static str, &'static str, &'static str);

impl ProblemKind {
    /// Every kind.
    pub(super) const ALL: [Self; 23] = [
        Self::MalformedRequest,
        Self::InvalidQuery,
        Self::Unauthorized,
        Self::InsufficientScope,
        Self::UserNotFound,
        Self::NotFound,
        Self::MethodNotAllowed,
        Self::NotAcceptable,
        Self::RequestTimeout,
        Self::EmailTaken,
        Self::IdempotencyInProgress,
        Self::PatchTestFailed,
        Self::PreconditionFailed,
        Self::ContentTooLarge,
        Self::UriTooLong,
        Self::UnsupportedMediaType,
        Self::ValidationFailed,
        Self::IdempotencyKeyReused,
        Self::PreconditionRequired,
        Self::RateLimited,
        Self::HeadersTooLarge,
        Self::Internal,
        Self::Unavailable,
    ];

    #[allow(clippy::too_many_lines, reason = "a table: one entry for each kind")]
    fn entry(self) -> Entry {
        match self {
            Self::MalformedRequest => (
                400,
                "malformed-request",
                "The request cannot be read",
                "The request is not what its media type or its syntax promises: not JSON, not UTF-8, a key given twice, a header that cannot be parsed. Mend the request; repeating it as it is leads to the same answer.",
            ),
            Self::InvalidQuery => (
                400,
                "invalid-query",
                "A query parameter is not valid",
                "A parameter is unknown, empty, given twice, out of its range, or a cursor that does not belong to this query. The detail names it.",
            ),
            Self::Unauthorized => (
                401,
                "unauthorized",
                "A valid access token is needed",
                "Send 'Authorization: Bearer <token>' with a token that is neither expired nor meant for another service. POST /oauth/token gives one to a registered client.",
            ),
            Self::InsufficientScope => (
                403,
                "insufficient-scope",
                "The token does not cover this",
                "The token is valid but lacks the scope that the WWW-Authenticate header names. Ask for a token with that scope.",
            ),
            Self::UserNotFound => (
                404,
                "user-not-found",
                "No such user",
                "No user has this id; it may have been deleted.",
            ),
            Self::NotFound => (
                404,
                "not-found",
                "No such resource",
                "Nothing lives at this path. The root document links to what there is.",
            ),
            Self::MethodNotAllowed => (
                405,
                "method-not-allowed",
                "The resource does not know this method",
                "The Allow header lists the methods that it knows.",
            ),
            Self::NotAcceptable => (
                406,
                "not-acceptable",
                "No representation is acceptable",
                "The resource has only the media types that the detail names; the Accept header excludes them all.",
            ),
            Self::RequestTimeout => (
                408,
                "request-timeout",
                "The request came too slowly",
                "The request did not arrive in full in time. Send it again, faster.",
            ),
            Self::EmailTaken => (
                409,
                "email-taken",
                "The e-mail address is taken",
                "Another user has this e-mail address; addresses are compared without regard to case.",
            ),
            Self::IdempotencyInProgress => (
                409,
                "idempotency-in-progress",
                "The first request is still running",
                "A request with this Idempotency-Key is still running. Wait for the time that Retry-After gives and repeat it.",
            ),
            Self::PatchTestFailed => (
                409,
                "patch-test-failed",
                "A test of the patch failed",
                "A 'test' operation of the JSON Patch did not hold, so nothing was changed.",
            ),
            Self::PreconditionFailed => (
                412,
                "precondition-failed",
                "The user was changed meanwhile",
                "The user is not at the version that If-Match names. Read it again, decide anew, and send its present ETag.",
            ),
            Self::ContentTooLarge => (
                413,
                "content-too-large",
                "The body is too large",
                "The body exceeds the limit that the detail names.",
            ),
            Self::UriTooLong => (
                414,
                "uri-too-long",
                "The URI is too long",
                "The request target exceeds the limit. QUERY takes filters in a body instead.",
            ),
            Self::UnsupportedMediaType => (
                415,
                "unsupported-media-type",
                "The media type is not supported",
                "The Accept, Accept-Patch or Accept-Query header of this answer lists the media types that are.",
            ),
            Self::ValidationFailed => (
                422,
                "validation-failed",
                "The user is not valid",
                "The member 'errors' names every fault by a JSON Pointer and says what is wanted instead.",
            ),
            Self::IdempotencyKeyReused => (
                422,
                "idempotency-key-reused",
                "The idempotency key was used for another request",
                "An Idempotency-Key names one request for 24 hours. Use a new key for a new request.",
            ),
            Self::PreconditionRequired => (
                428,
                "precondition-required",
                "The change has to be conditional",
                "Send the ETag of the version that you have seen in If-Match, so that nobody's change is lost.",
            ),
            Self::RateLimited => (
                429,
                "rate-limited",
                "Too many requests",
                "The client has used up its rate. Retry-After says when the next request will be taken.",
            ),
            Self::HeadersTooLarge => (
                431,
                "headers-too-large",
                "The header fields are too large",
                "The header fields exceed the limits in number or in size.",
            ),
            Self::Internal => (
                500,
                "internal",
                "The service failed",
                "This is a bug. The operators find it in the log by the request id.",
            ),
            Self::Unavailable => (
                503,
                "unavailable",
                "The service cannot answer just now",
                "The database is away, the service is overloaded or shutting down. Repeat the request after the time that Retry-After gives.",
            ),
        }
    }

    /// The status code.
    pub(super) fn status(self) -> StatusCode {
        StatusCode::from_u16(self.entry().0).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// The last part of the problem's type.
    pub(super) fn slug(self) -> &'static str {
        self.entry().1
    }

    /// One line for people.
    pub(super) fn title(self) -> &'static str {
        self.entry().2
    }

    /// What it means and what to do.
    pub(super) fn explanation(self) -> &'static str {
        self.entry().3
    }

    /// A problem of this kind that has no more to say than its title.
    pub(super) fn into_problem(self) -> Problem {
        self.with_detail(self.title())
    }

    /// A problem of this kind.
    pub(super) fn with_detail(self, detail: impl Into<Cow<'static, str>>) -> Problem {
        Problem {
            kind: self,
            detail: detail.into(),
            faults: Vec::new(),
            headers: Vec::new(),
            members: Vec::new(),
            cause: None,
        }
    }
}

/// One fault of a request body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    /// Where: a JSON Pointer (RFC 6901).
    pub(super) pointer: String,
    /// What is wanted, as a sentence without its subject.
    pub(super) detail: String,
}

/// One error, to be shown to a client.
#[derive(Clone, Debug)]
pub(super) struct Problem {
    /// Its kind.
    pub(super) kind: ProblemKind,
    detail: Cow<'static, str>,
    faults: Vec<Fault>,
    headers: Vec<(HeaderName, HeaderValue)>,
    members: Vec<(&'static str, Value)>,
    cause: Option<Arc<dyn Error + Send + Sync>>,
}

impl Problem {
    /// A body with these faults.
    pub(super) fn of_faults(faults: Vec<Fault>) -> Self {
        let detail = match faults.len() {
            1 => "the body has one fault".to_owned(),
            many => format!("the body has {many} faults"),
        };
        Self {
            faults,
            ..ProblemKind::ValidationFailed.with_detail(detail)
        }
    }

    /// Adds a header field to the response.
    #[must_use]
    pub(super) fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    /// Adds a member to the document.
    #[must_use]
    pub(super) fn with_member(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        self.members.push((name, value.into()));
        self
    }

    /// Adds when to try again.
    #[must_use]
    pub(super) fn retry_after(self, seconds: u64) -> Self {
        self.with_header(RETRY_AFTER, HeaderValue::from(seconds))
    }

    /// What went wrong inside; logged at the edge, never shown.
    pub(super) fn cause(&self) -> Option<&(dyn Error + Send + Sync)> {
        self.cause.as_deref()
    }

    /// A response that the edge finishes with [`Problem::render`].
    pub(super) fn into_response(self) -> Response<Full<Bytes>> {
        let mut response = Response::new(Full::default());
        *response.status_mut() = self.kind.status();
        response.extensions_mut().insert(Arc::new(self));
        response
    }

    /// The document. `instance` is the path of the request.
    pub(super) fn document(&self, instance: &str, request_id: &str) -> Value {
        let mut document = json!({
            "type": format!("/problems/{}", self.kind.slug()),
            "title": self.kind.title(),
            "status": self.kind.status().as_u16(),
            "detail": self.detail,
            "instance": instance,
            "request_id": request_id,
        });
        if !self.faults.is_empty() {
            let faults = self
                .faults
                .iter()
                .map(|fault| json!({"pointer": fault.pointer, "detail": fault.detail}));
            document["errors"] = faults.collect();
        }
        for (name, value) in &self.members {
            document[*name] = value.clone();
        }
        document
    }

    /// The response with its document.
    pub(super) fn render(&self, instance: &str, request_id: &str) -> Response<Full<Bytes>> {
        let document = self.document(instance, request_id);
        let mut response = Response::new(Full::new(Bytes::from(document.to_string())));
        *response.status_mut() = self.kind.status();
        response.headers_mut().insert(
            CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        for (name, value) in &self.headers {
            response.headers_mut().append(name, value.clone());
        }
        response
    }
}

impl From<DirectoryError> for Problem {
    fn from(error: DirectoryError) -> Self {
        match error {
            DirectoryError::UserNotFound => ProblemKind::UserNotFound.into_problem(),
            DirectoryError::EmailTaken => ProblemKind::EmailTaken.into_problem(),
            DirectoryError::ConditionFailed => ProblemKind::PreconditionFailed.into_problem(),
            DirectoryError::IdempotencyKeyReused => ProblemKind::IdempotencyKeyReused.into_problem(),
            DirectoryError::IdempotencyInProgress => ProblemKind::IdempotencyInProgress.into_problem().retry_after(1),
            DirectoryError::PositionExpired => ProblemKind::InvalidQuery
                .with_detail("'after' stands before what the feed still has; read the whole directory anew and follow the feed from its present end"),
            DirectoryError::Unavailable { reason, source } => Self {
                cause: source.map(Arc::from),
                ..ProblemKind::Unavailable
                    .with_detail(match reason {
                        Unavailable::Unreachable => "the database cannot be reached",
                        Unavailable::Exhausted => "no database connection was free in time",
                        Unavailable::Slow => "the database did not answer in time",
                    })
                    .retry_after(1)
            },
            DirectoryError::Internal(source) => {
                Self { cause: Some(Arc::from(source)), ..ProblemKind::Internal.with_detail("the failure was logged under the request id") }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::ProblemKind;
    use std::collections::HashSet;

    #[test]
    fn every_kind_has_a_slug_of_its_own() {
        let slugs: HashSet<_> = ProblemKind::ALL.iter().map(|kind| kind.slug()).collect();
        assert_eq!(slugs.len(), ProblemKind::ALL.len());
    }
}
