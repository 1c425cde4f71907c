//! Cross-origin resource sharing (Fetch standard, 3.3): pages of the configured origins may call the API and read its
//! responses.
//!
//! Knows origins and header fields. Must not know users or tokens: a page proves who it is by its token, never by its
//! origin, and cookies are not used.

use super::methods;
use crate::http::answer::Answer;
use crate::http::call::Call;
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD, ORIGIN,
    VARY,
};
use http::{HeaderMap, HeaderValue, Method};

/// The header fields that the API reads and that a page sets itself.
const ALLOWED_HEADERS: HeaderValue = HeaderValue::from_static(
    "Accept, Authorization, Content-Type, Idempotency-Key, If-Match, If-Modified-Since, If-None-Match, \
     If-Unmodified-Since, X-Request-Id, traceparent",
);
/// The header fields of responses that a page could not read otherwise.
const EXPOSED_HEADERS: HeaderValue = HeaderValue::from_static(
    "Accept-Patch, Accept-Query, Allow, ETag, Idempotency-Replayed, Link, Location, RateLimit, RateLimit-Policy, \
     Retry-After, WWW-Authenticate, X-Request-Id",
);
/// How long a browser may keep the answer to a preflight, in seconds. Chromium keeps none longer.
const MAX_AGE: HeaderValue = HeaderValue::from_static("7200");
const VARY_BY_ORIGIN: HeaderValue = HeaderValue::from_static("Origin");

/// Whether a browser asks what a page may send (Fetch standard, 3.3.2).
pub(super) fn is_preflight(call: &Call) -> bool {
    let headers = call.headers();
    call.parts.method == Method::OPTIONS
        && headers.contains_key(ORIGIN)
        && headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD)
}

/// The origins whose pages may read responses.
pub(super) struct Cors {
    origins: Box<[Box<str>]>,
}

impl Cors {
    /// `None` without origins: then nothing is looked at and nothing is added.
    pub(super) fn new(origins: &[Box<str>]) -> Option<Self> {
        (!origins.is_empty()).then(|| Self {
            origins: origins.into(),
        })
    }

    /// The answer to a preflight. On unknown paths it allows what any path does, so that the page can read the 404.
    pub(super) fn preflight(&self, call: &Call) -> Answer {
        let mut answer = methods::options(call.route);
        if self.allowed(call.headers()).is_some() {
            let headers = answer.headers_mut();
            headers.insert(ACCESS_CONTROL_ALLOW_METHODS, methods::allow(call.route));
            headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, ALLOWED_HEADERS);
            headers.insert(ACCESS_CONTROL_MAX_AGE, MAX_AGE);
        }
        answer
    }

    /// Adds what lets the page of an allowed origin read a response, whatever its status.
    pub(super) fn annotate(&self, request: &HeaderMap, response: &mut HeaderMap) {
        // Also without an Origin: a cache must not give that response to a page.
        response.append(VARY, VARY_BY_ORIGIN);
        if let Some(origin) = self.allowed(request) {
            response.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
            response.insert(ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED_HEADERS);
        }
    }

    /// The origin of the page that sent the request, if it is allowed.
    fn allowed<'r>(&self, request: &'r HeaderMap) -> Option<&'r HeaderValue> {
        let mut sent = request.get_all(ORIGIN).iter();
        let (first, second) = (sent.next()?, sent.next());
        let mut known = self.origins.iter();
        let is_known = known.any(|known| known.as_bytes() == first.as_bytes());
        (is_known && second.is_none()).then_some(first)
    }
}
