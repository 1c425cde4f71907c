//! Failures on their way out: what the client is told, and what the log keeps.

use crate::http::Answer;
use crate::http::api::routes::Route;
use crate::http::api::tokens::with_oauth_error;
use crate::http::problem::{Problem, ProblemKind};

/// Logs a panic, and gives what the client is told of it.
pub(super) fn panicked(panic: &(dyn std::any::Any + Send), request_id: &str) -> Problem {
    // A message that was put together may hold what a client sent; one that is written in the code cannot.
    let message = panic.downcast_ref::<&str>().copied();
    tracing::error!(
        request_id,
        panic = message.unwrap_or("its message is kept out of the log"),
        "a handler panicked"
    );
    ProblemKind::Internal.with_detail("the failure was logged under the request id")
}

/// The problem as clients of this route expect to be told of it.
pub(super) fn told(problem: &Problem, route: Route, path: &str, request_id: &str) -> Answer {
    if route == Route::Token {
        with_oauth_error(problem).render(path, request_id)
    } else {
        problem.render(path, request_id)
    }
}

/// Logs what went wrong inside, once, with everything that led to it.
pub(super) fn log_cause(problem: &Problem, request_id: &str) {
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
            "a request could not be answered for now"
        );
    }
}
