//! Size limits of the head of a request.

use crate::http::problem::{Problem, ProblemKind};
use crate::http::settings::HttpSettings;
use http::HeaderMap;
use http::request::Parts;

/// Checks the request target and the header fields against their limits.
pub(in crate::http) fn check_sizes(parts: &Parts, settings: &HttpSettings) -> Result<(), Problem> {
    let uri = &parts.uri;
    let target = uri.path().len() + uri.query().map_or(0, |query| query.len() + 1);
    if target > settings.uri_limit_bytes {
        return Err(ProblemKind::UriTooLong.with_detail(format!(
            "the request target exceeds the limit of {} bytes",
            settings.uri_limit_bytes
        )));
    }
    if header_bytes(&parts.headers) > settings.headers_limit_bytes {
        let limit = settings.headers_limit_bytes;
        return Err(ProblemKind::HeadersTooLarge.with_detail(format!(
            "the header fields exceed the limit of {limit} bytes"
        )));
    }
    Ok(())
}

fn header_bytes(headers: &HeaderMap) -> usize {
    headers
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len() + 4)
        .sum()
}
