//! The errors of the token endpoint: problems with the members that RFC 6749 §5.2 defines.

use crate::http::problem::{Problem, ProblemKind};
use crate::metrics::AuthFailure;
use http::HeaderValue;
use http::header::WWW_AUTHENTICATE;

/// The values of the member `error` (RFC 6749 §5.2) that a handler chooses.
#[derive(Clone, Copy)]
pub(super) enum OauthError {
    InvalidRequest,
    InvalidClient,
    UnsupportedGrantType,
    InvalidScope,
}

impl OauthError {
    pub(super) fn with_detail(self, detail: &'static str) -> Problem {
        let (kind, error) = match self {
            Self::InvalidRequest => (ProblemKind::MalformedRequest, "invalid_request"),
            Self::InvalidClient => (ProblemKind::Unauthorized, "invalid_client"),
            Self::UnsupportedGrantType => (ProblemKind::MalformedRequest, "unsupported_grant_type"),
            Self::InvalidScope => (ProblemKind::MalformedRequest, "invalid_scope"),
        };
        let problem = kind
            .with_detail(detail)
            .with_member("error", error)
            .with_member("error_description", detail);
        match self {
            Self::InvalidClient => problem.refused_because(AuthFailure::BadSecret).with_header(
                WWW_AUTHENTICATE,
                HeaderValue::from_static(r#"Basic realm="roster", charset="UTF-8""#),
            ),
            _ => problem,
        }
    }
}

/// Adds the member `error` to a problem of the token endpoint that has none, wherever it was found.
pub(in crate::http) fn with_oauth_error(problem: &Problem) -> Problem {
    let problem = problem.clone();
    if problem.has_member("error") {
        return problem;
    }
    // The first two are those of RFC 6749 §4.1.2.1: §5.2 has none for a server that fails or limits.
    let error = match problem.kind {
        ProblemKind::Internal => "server_error",
        ProblemKind::Unavailable | ProblemKind::RateLimited => "temporarily_unavailable",
        _ => "invalid_request",
    };
    problem.with_member("error", error)
}
