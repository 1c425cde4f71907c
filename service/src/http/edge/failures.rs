//! Failures on their way out: the document that the client gets, and what is logged.

use crate::http::answer::Answer;
use crate::http::api::oauth_error::with_oauth_error;
use crate::http::api::route::Route;
use crate::http::call::Call;
use crate::http::problem::{Problem, ProblemKind};
use crate::http::scim::error as scim_error;

/// Logs a panic of a handler, and returns the problem that the client gets.
pub(super) fn panicked(panic: &(dyn std::any::Any + Send), request_id: &str) -> Problem {
    // A formatted message may contain what a client sent; a literal cannot.
    let message = panic.downcast_ref::<&str>().copied();
    tracing::error!(
        request_id,
        panic = message.unwrap_or("message withheld: it may contain client data"),
        "a handler panicked"
    );
    ProblemKind::Internal.with_detail("the failure was logged under the request id")
}

/// The answer to a call that ended with `problem`, whose cause is logged. `scim` says whether SCIM is on.
pub(super) fn failed(problem: &Problem, call: &Call, scim: bool) -> Answer {
    log_cause(problem, call.request_id());
    // Clients of RFC 6749 look for its member `error`.
    if call.route == Route::Token {
        with_oauth_error(problem).render(call.path(), call.request_id())
    } else if scim && scim_error::is_scim(call.path()) {
        scim_error::render(problem)
    } else {
        problem.render(call.path(), call.request_id())
    }
}

/// Logs the cause of a problem, once, with its sources.
pub(in crate::http) fn log_cause(problem: &Problem, request_id: &str) {
    let Some(cause) = problem.cause() else { return };
    let mut chain = cause.to_string();
    let mut source = cause.source();
    while let Some(error) = source {
        chain.push_str(": ");
        chain.push_str(&error.to_string());
        source = error.source();
    }
    if problem.kind == ProblemKind::Internal {
        tracing::error!(request_id, error = chain, "a request failed");
    } else {
        tracing::warn!(
            request_id,
            error = chain,
            "a request could not be served for now"
        );
    }
}
