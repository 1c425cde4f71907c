//! The kinds of problems, in a table: status, slug, title, and what the page of the type says.

use http::StatusCode;

/// Every kind of error of the contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(
    missing_docs,
    reason = "the title and the explanation say what each is"
)]
pub(in crate::http) enum ProblemKind {
    MalformedRequest,
    InvalidQuery,
    Unauthorized,
    InsufficientScope,
    HttpsRequired,
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
    pub(in crate::http) const ALL: [Self; 24] = [
        Self::MalformedRequest,
        Self::InvalidQuery,
        Self::Unauthorized,
        Self::InsufficientScope,
        Self::HttpsRequired,
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
                "Malformed request",
                "The request is malformed: its body is not valid JSON or not UTF-8, a key occurs twice, or a header field cannot be parsed. Correct the request; repeating it unchanged leads to the same response.",
            ),
            Self::InvalidQuery => (
                400,
                "invalid-query",
                "Invalid query parameter",
                "A parameter is unknown, empty, repeated or out of range, or a cursor belongs to another query. The detail names the parameter.",
            ),
            Self::Unauthorized => (
                401,
                "unauthorized",
                "A valid access token is required",
                "Send 'Authorization: Bearer <token>' with a token that has not expired and was issued for this service. Registered clients get one from POST /oauth/token.",
            ),
            Self::InsufficientScope => (
                403,
                "insufficient-scope",
                "The token lacks a scope",
                "The token is valid but does not have the scope that the WWW-Authenticate header field names. Request a token with that scope.",
            ),
            Self::HttpsRequired => (
                403,
                "https-required",
                "HTTPS is required",
                "The request reached the proxy by plain HTTP, where everybody on the way could read it. Send it over HTTPS, and replace the token or secret that it contained.",
            ),
            Self::UserNotFound => (
                404,
                "user-not-found",
                "User not found",
                "No user has this id. The user may have been deleted.",
            ),
            Self::NotFound => (
                404,
                "not-found",
                "Resource not found",
                "There is no resource at this path. The root document links to the resources of the service.",
            ),
            Self::MethodNotAllowed => (
                405,
                "method-not-allowed",
                "Method not allowed",
                "The resource does not support this method. The Allow header field lists the methods that it supports.",
            ),
            Self::NotAcceptable => (
                406,
                "not-acceptable",
                "Not acceptable",
                "The Accept header field excludes every media type of this resource. The detail names the media type that is available.",
            ),
            Self::RequestTimeout => (
                408,
                "request-timeout",
                "Request timeout",
                "The body did not arrive before the deadline. Retry the request.",
            ),
            Self::EmailTaken => (
                409,
                "email-taken",
                "The e-mail address is taken",
                "Another user has this e-mail address. Addresses are compared without regard to case.",
            ),
            Self::IdempotencyInProgress => (
                409,
                "idempotency-in-progress",
                "A request with this idempotency key is in progress",
                "A request with this Idempotency-Key has not finished. Wait for the time in Retry-After, then repeat the request.",
            ),
            Self::PatchTestFailed => (
                409,
                "patch-test-failed",
                "A test operation of the patch failed",
                "A 'test' operation of the JSON Patch failed. The user is unchanged.",
            ),
            Self::PreconditionFailed => (
                412,
                "precondition-failed",
                "Precondition failed",
                "A condition of the request, such as If-Match, does not hold for the current version of the user. Read the user again and retry with its current ETag.",
            ),
            Self::ContentTooLarge => (
                413,
                "content-too-large",
                "Content too large",
                "The body exceeds the limit that the detail names.",
            ),
            Self::UriTooLong => (
                414,
                "uri-too-long",
                "URI too long",
                "The request target exceeds the limit. QUERY accepts filters in the body instead.",
            ),
            Self::UnsupportedMediaType => (
                415,
                "unsupported-media-type",
                "Unsupported media type",
                "The Accept, Accept-Patch or Accept-Query header field of this response lists the supported media types.",
            ),
            Self::ValidationFailed => (
                422,
                "validation-failed",
                "Validation failed",
                "The member 'errors' lists every fault: a JSON Pointer and what is expected there.",
            ),
            Self::IdempotencyKeyReused => (
                422,
                "idempotency-key-reused",
                "The idempotency key was used for another request",
                "An Idempotency-Key identifies one request for 24 hours. Use a new key for a new request.",
            ),
            Self::PreconditionRequired => (
                428,
                "precondition-required",
                "Precondition required",
                "This service requires conditional changes. Send the ETag of the version that you read in If-Match, so that no other client's change is overwritten.",
            ),
            Self::RateLimited => (
                429,
                "rate-limited",
                "Too many requests",
                "The client has exceeded its rate limit, or sent too many invalid tokens or secrets. Retry after the time in Retry-After.",
            ),
            Self::HeadersTooLarge => (
                431,
                "headers-too-large",
                "Header fields too large",
                "The header fields exceed the limit on their number or their size.",
            ),
            Self::Internal => (
                500,
                "internal",
                "Internal error",
                "This is a bug in the service. Its operators can find the cause in the log by the request id.",
            ),
            Self::Unavailable => (
                503,
                "unavailable",
                "Service unavailable",
                "The database is unavailable, or the service is overloaded or shutting down. Retry after the time in Retry-After.",
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

    /// What it means and what to do; the text of the problem type's page.
    pub(in crate::http) fn explanation(self) -> &'static str {
        self.entry().3
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
