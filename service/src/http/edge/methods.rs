//! What the edge answers about methods by itself: OPTIONS, and those that a path does not support.
//!
//! Knows the route table. Must not know what any method does.

use crate::http::answer::{Answer, AnswerBody};
use crate::http::api::list_users::ACCEPT_QUERY;
use crate::http::api::patch::{ACCEPT_PATCH, ACCEPT_PATCH_HEADER};
use crate::http::api::route::Route;
use crate::http::problem::{Problem, ProblemKind};
use http::header::ALLOW;
use http::request::Parts;
use http::{HeaderValue, Method, Response, StatusCode};
use std::sync::LazyLock;

/// The target of an OPTIONS request about the server itself (RFC 9110, 7.1).
const ASTERISK: &str = "*";

/// The methods of all routes together.
static ALLOW_ANYWHERE: LazyLock<HeaderValue> = LazyLock::new(|| {
    const LAST: &str = "OPTIONS";
    let mut methods: Vec<&str> = Vec::new();
    for method in Route::ALL
        .iter()
        .flat_map(|route| route.allow().split(", "))
    {
        if method != LAST && !methods.contains(&method) {
            methods.push(method);
        }
    }
    methods.push(LAST);
    // Names of methods are visible ASCII.
    HeaderValue::try_from(methods.join(", ")).unwrap_or(HeaderValue::from_static(LAST))
});

/// The methods of a route, as `Allow` lists them; for no route in particular, those of any.
pub(super) fn allow(route: Route) -> HeaderValue {
    if route == Route::Unmatched {
        ALLOW_ANYWHERE.clone()
    } else {
        HeaderValue::from_static(route.allow())
    }
}

/// The answer to OPTIONS (RFC 9110, 9.3.7).
pub(super) fn options(route: Route) -> Answer {
    let mut answer = Response::new(AnswerBody::default());
    *answer.status_mut() = StatusCode::NO_CONTENT;
    let headers = answer.headers_mut();
    headers.insert(ALLOW, allow(route));
    if route == Route::User {
        headers.insert(ACCEPT_PATCH_HEADER, HeaderValue::from_static(ACCEPT_PATCH));
    }
    if route == Route::Users {
        headers.insert(ACCEPT_QUERY, HeaderValue::from_static("application/json"));
    }
    answer
}

/// The answer to a target that is not a route: to `OPTIONS *` what the server supports.
///
/// # Errors
/// 404; 400 for `*` with another method (RFC 9112, 3.2.4).
pub(super) fn unmatched(parts: &Parts) -> Result<Answer, Problem> {
    if parts.uri.path() != ASTERISK {
        Err(ProblemKind::NotFound.into_problem())
    } else if parts.method == Method::OPTIONS {
        Ok(options(Route::Unmatched))
    } else {
        Err(ProblemKind::MalformedRequest.with_detail("the target '*' is valid with OPTIONS only"))
    }
}

/// The refusal of a method that a route does not support.
pub(super) fn not_allowed(route: Route) -> Problem {
    ProblemKind::MethodNotAllowed
        .with_detail(format!("this resource allows {}", route.allow()))
        .with_header(ALLOW, allow(route))
}
