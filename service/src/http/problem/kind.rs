//! The kinds of problems, in a table: status, slug, title, and what the page of the type says.

use super::Problem;
use http::StatusCode;
use std::borrow::Cow;

/// Every kind of error of the contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "each is told by its title and its explanation")]
pub(in crate::http) enum ProblemKind {
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
    pub(in crate::http) const ALL: [Self; 23] = [
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
    pub(in crate::http) fn status(self) -> StatusCode {
        StatusCode::from_u16(self.entry().0).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// The last part of the problem's type.
    pub(in crate::http) fn slug(self) -> &'static str {
        self.entry().1
    }

    /// One line for people.
    pub(in crate::http) fn title(self) -> &'static str {
        self.entry().2
    }

    /// What it means and what to do.
    pub(in crate::http) fn explanation(self) -> &'static str {
        self.entry().3
    }

    /// A problem of this kind that has no more to say than its title.
    pub(in crate::http) fn into_problem(self) -> Problem {
        self.with_detail(self.title())
    }

    /// A problem of this kind.
    pub(in crate::http) fn with_detail(self, detail: impl Into<Cow<'static, str>>) -> Problem {
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
