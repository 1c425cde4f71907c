//! Redirects a client that reached the proxy in front by plain HTTP to the same address over HTTPS.
//!
//! Not every Ingress controller redirects by itself, but each reports the client's scheme (`X-Forwarded-Proto`).

use crate::http::answer::Answer;
use crate::http::problem::{Problem, ProblemKind};
use http::header::{HOST, LOCATION};
use http::uri::{Authority, Uri};
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use http_body_util::Full;

const X_FORWARDED_PROTO: &str = "x-forwarded-proto";

/// The redirect of a request that came by plain HTTP; `None` when it came by HTTPS, or without a proxy.
pub(super) fn redirect(uri: &Uri, headers: &HeaderMap) -> Result<Option<Answer>, Problem> {
    if !came_by_plain_http(headers) {
        return Ok(None);
    }
    let location = https_address(uri, headers).ok_or_else(|| {
        ProblemKind::MalformedRequest.with_detail(
            "plain HTTP is not served, and the Host field does not name a host to redirect to",
        )
    })?;
    let mut answer = Response::new(Full::default());
    *answer.status_mut() = StatusCode::PERMANENT_REDIRECT;
    answer.headers_mut().insert(LOCATION, location);
    Ok(Some(answer))
}

/// Each proxy on the way may append its scheme; the first one is the client's.
fn came_by_plain_http(headers: &HeaderMap) -> bool {
    headers
        .get(X_FORWARDED_PROTO)
        .and_then(|value| value.to_str().ok())
        .and_then(|schemes| schemes.split(',').next())
        .is_some_and(|scheme| scheme.trim().eq_ignore_ascii_case("http"))
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
