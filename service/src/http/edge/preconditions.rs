//! Conditions (RFC 9110, 13) on everything but a user: pages, feeds, documents, and creating a user.
//!
//! These resources exist and have neither an entity tag nor a date of their last change. So a condition on a tag never
//! holds, one on `*` always does, and dates are ignored (13.1.3, 13.1.4). Users have both: their handlers evaluate it.

use crate::http::answer::{Answer, AnswerBody};
use crate::http::api::route::Route;
use crate::http::call::Call;
use crate::http::problem::{Problem, ProblemKind};
use crate::http::read_request::{Precondition, precondition_without_validators};
use http::header::CONTENT_TYPE;
use http::{Method, StatusCode};

/// What the conditions of a request ask before its method is performed.
///
/// # Errors
/// 412 for a change whose condition does not hold.
pub(super) fn before(call: &Call) -> Result<Precondition, Problem> {
    if matches!(call.route, Route::User | Route::ScimUser) {
        return Ok(Precondition::Holds);
    }
    let precondition = precondition_without_validators(call.headers());
    if precondition == Precondition::Holds || is_safe(&call.parts.method) {
        return Ok(precondition);
    }
    Err(ProblemKind::PreconditionFailed.into_problem())
}

/// The answer to a safe request under its condition, which counts only where the answer would be a success (13.2.1).
///
/// # Errors
/// 412 when the condition does not hold.
pub(super) fn after(
    precondition: Precondition,
    method: &Method,
    mut answer: Answer,
) -> Result<Answer, Problem> {
    if precondition == Precondition::Holds || !answer.status().is_success() {
        return Ok(answer);
    }
    let reads = *method == Method::GET || *method == Method::HEAD;
    if precondition == Precondition::Failed || !reads {
        return Err(ProblemKind::PreconditionFailed.into_problem());
    }
    *answer.status_mut() = StatusCode::NOT_MODIFIED;
    *answer.body_mut() = AnswerBody::default();
    answer.headers_mut().remove(CONTENT_TYPE);
    Ok(answer)
}

fn is_safe(method: &Method) -> bool {
    [Method::GET, Method::HEAD, Method::QUERY].contains(method)
}
