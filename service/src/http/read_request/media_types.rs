//! Media types: of the body, and acceptable to the client.

use crate::http::problem::{Problem, ProblemKind};
use http::header::{ACCEPT, ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue};

/// Refuses a body with a content coding: none is supported, and a small compressed body may be large.
pub(in crate::http) fn require_identity(headers: &HeaderMap) -> Result<(), Problem> {
    let mut codings = headers.get_all(CONTENT_ENCODING).iter();
    if codings.all(|coding| coding.as_bytes().eq_ignore_ascii_case(b"identity")) {
        return Ok(());
    }
    let problem =
        ProblemKind::UnsupportedMediaType.with_detail("the body must not have a content coding");
    Err(problem.with_header(ACCEPT_ENCODING, HeaderValue::from_static("identity")))
}

/// The media type of the body without its parameters, in lower case; nothing when it is given twice.
pub(in crate::http) fn media_type(headers: &HeaderMap) -> String {
    let mut values = headers.get_all(CONTENT_TYPE).iter();
    let value = values
        .next()
        .filter(|_| values.next().is_none())
        .and_then(|value| value.to_str().ok())
        .unwrap_or("");
    value
        .split(';')
        .next()
        .unwrap_or("")
        .trim()
        .to_ascii_lowercase()
}

/// Requires a body of type `application/json`; otherwise the header field `listing` names the supported type.
pub(in crate::http) fn require_json(
    headers: &HeaderMap,
    listing: HeaderName,
) -> Result<(), Problem> {
    if media_type(headers) == "application/json" {
        return Ok(());
    }
    let problem =
        ProblemKind::UnsupportedMediaType.with_detail("the body must be application/json");
    Err(problem.with_header(listing, HeaderValue::from_static("application/json")))
}

/// Requires that the client accepts `offered`, such as `application/json` (RFC 9110, 12.5.1).
pub(in crate::http) fn require_acceptable(
    headers: &HeaderMap,
    offered: &'static str,
) -> Result<(), Problem> {
    let mut given = false;
    // The most specific range that matches decides: 3 for the type itself, 2 for its family, 1 for anything.
    let mut decided: (u8, bool) = (0, false);
    for value in headers.get_all(ACCEPT) {
        let Ok(value) = value.to_str() else { continue };
        for range in value
            .split(',')
            .map(str::trim)
            .filter(|range| !range.is_empty())
        {
            given = true;
            let mut parts = range.split(';').map(str::trim);
            let Some(specificity) = specificity(parts.next().unwrap_or(""), offered) else {
                continue;
            };
            let refused = parts.any(|part| {
                part.strip_prefix("q=")
                    .or(part.strip_prefix("Q="))
                    .is_some_and(|q| q.trim().parse::<f32>().is_ok_and(|q| q <= 0.0))
            });
            if specificity >= decided.0 {
                decided = (specificity, !refused);
            }
        }
    }
    if given && !decided.1 {
        return Err(ProblemKind::NotAcceptable
            .with_detail(format!("this resource is available as {offered} only")));
    }
    Ok(())
}

/// How closely a range names the type `offered`; nothing when it does not.
fn specificity(range: &str, offered: &str) -> Option<u8> {
    if range.eq_ignore_ascii_case(offered) {
        return Some(3);
    }
    if range == "*/*" {
        return Some(1);
    }
    let (family, _) = offered.split_once('/')?;
    let named = range.strip_suffix("/*")?;
    named.eq_ignore_ascii_case(family).then_some(2)
}

#[cfg(test)]
mod tests {
    use super::require_acceptable;
    use http::{HeaderMap, HeaderValue, header};

    #[test]
    fn the_most_specific_range_of_accept_decides() {
        for (accept, taken) in [
            ("*/*", true),
            ("application/*;q=0.5", true),
            ("Application/*", true),
            ("APPLICATION/json", true),
            ("text/html, application/json;q=0.9", true),
            ("text/html", false),
            ("application/json;q=0, */*", false),
            ("application/json, */*;q=0", true),
        ] {
            assert_eq!(
                require_acceptable(
                    &HeaderMap::from_iter([(header::ACCEPT, HeaderValue::from_static(accept))]),
                    "application/json"
                )
                .is_ok(),
                taken,
                "{accept}"
            );
        }
        assert!(require_acceptable(&HeaderMap::new(), "application/json").is_ok());
    }
}
