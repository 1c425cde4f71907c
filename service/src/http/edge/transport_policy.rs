//! `Strict-Transport-Security` (RFC 6797): a browser that came by HTTPS once uses nothing else for this host.

use super::plain_http::came_by;
use http::header::STRICT_TRANSPORT_SECURITY;
use http::{HeaderMap, HeaderValue};

/// For how long, and on which answers.
pub(super) struct TransportPolicy {
    value: Option<HeaderValue>,
    /// Whether a proxy's word on the client's scheme is taken.
    behind_proxy: bool,
}

impl TransportPolicy {
    /// For `max_age_s` seconds; 0 sends no policy.
    pub(super) fn new(max_age_s: u32, behind_proxy: bool) -> Self {
        let value = (max_age_s > 0).then(|| format!("max-age={max_age_s}"));
        Self {
            value: value.and_then(|value| HeaderValue::try_from(value).ok()),
            behind_proxy,
        }
    }

    /// Adds the field to the answer to a request that came by HTTPS: here, or to the proxy.
    pub(super) fn apply(&self, is_tls: bool, request: &HeaderMap, answer: &mut HeaderMap) {
        if let Some(value) = &self.value
            && (is_tls || self.behind_proxy && came_by(request, "https"))
        {
            answer.insert(STRICT_TRANSPORT_SECURITY, value.clone());
        }
    }
}
