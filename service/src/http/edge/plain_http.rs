//! What reached the proxy in front by plain HTTP: a person who asks for a page is redirected to the same address over HTTPS,
//! a program is refused. Its token or secret was readable on the way, and a redirect would let that go unnoticed.
//!
//! Not every Ingress controller redirects by itself, but each reports the client's scheme (`X-Forwarded-Proto`).

use crate::http::answer::{Answer, AnswerBody};
use crate::http::api::route::Route;
use crate::http::call::Call;
use crate::http::problem::{Problem, ProblemKind};
use http::header::{ACCEPT, AUTHORIZATION, HOST, LOCATION};
use http::uri::{Authority, Uri};
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode};

const X_FORWARDED_PROTO: &str = "x-forwarded-proto";

/// The redirect of a page that was asked for by plain HTTP; `None` when the request came by HTTPS, or without a proxy.
///
/// # Errors
/// 403 for every other request by plain HTTP, 400 when there is no host to redirect to.
pub(super) fn redirect(call: &Call) -> Result<Option<Answer>, Problem> {
    let headers = call.headers();
    if !came_by(headers, "http") {
        return Ok(None);
    }
    if !is_for_a_person(call) {
        return Err(ProblemKind::HttpsRequired.with_detail(
            "the request came by plain HTTP: send it over HTTPS, and replace the token or secret that it contained",
        ));
    }
    let location = https_address(&call.parts.uri, headers).ok_or_else(|| {
        ProblemKind::MalformedRequest.with_detail(
            "plain HTTP is not served, and the Host field does not name a host to redirect to",
        )
    })?;
    let mut answer = Response::new(AnswerBody::default());
    *answer.status_mut() = StatusCode::PERMANENT_REDIRECT;
    answer.headers_mut().insert(LOCATION, location);
    Ok(Some(answer))
}

/// Whether the proxy says that the client came by this scheme. Each proxy on the way may append its own; the first one is
/// the client's.
pub(super) fn came_by(headers: &HeaderMap, scheme: &str) -> bool {
    headers
        .get(X_FORWARDED_PROTO)
        .and_then(|value| value.to_str().ok())
        .and_then(|schemes| schemes.split(',').next())
        .is_some_and(|first| first.trim().eq_ignore_ascii_case(scheme))
}

/// Whether a browser asks for something to show: the documentation, or anything that may be HTML, without a token.
fn is_for_a_person(call: &Call) -> bool {
    let reads = matches!(call.parts.method, Method::GET | Method::HEAD);
    let has_token = call.headers().contains_key(AUTHORIZATION);
    reads
        && !has_token
        && (matches!(call.route, Route::Docs | Route::DocsFile) || accepts_html(call.headers()))
}

/// Whether HTML is named in `Accept`, as browsers do, and not only covered by `*/*`, as programs send it.
fn accepts_html(headers: &HeaderMap) -> bool {
    let values = headers.get_all(ACCEPT).iter();
    values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|range| {
            let mut parts = range.split(';').map(str::trim);
            let is_html = parts
                .next()
                .is_some_and(|name| name.eq_ignore_ascii_case("text/html"));
            let refused = parts.any(|part| {
                let weight = part.strip_prefix("q=").or(part.strip_prefix("Q="));
                weight.is_some_and(|q| q.parse::<f32>().is_ok_and(|q| q <= 0.0))
            });
            is_html && !refused
        })
}

/// Without the port, which was that of plain HTTP.
fn https_address(uri: &Uri, headers: &HeaderMap) -> Option<HeaderValue> {
    let named = match uri.authority() {
        Some(authority) => authority.clone(),
        None => Authority::try_from(headers.get(HOST)?.as_bytes()).ok()?,
    };
    let target = uri.path_and_query().map_or("/", |target| target.as_str());
    // `OPTIONS *` asks about the server itself.
    let target = if target.starts_with('/') { target } else { "/" };
    HeaderValue::try_from(format!("https://{}{target}", named.host())).ok()
}
