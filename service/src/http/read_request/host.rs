//! The host that a request is for: with none, several, or one that is not valid, a proxy on the way may have understood the
//! request differently.

use crate::http::problem::{Problem, ProblemKind};
use http::header::HOST;
use http::request::Parts;
use http::{HeaderMap, Version};
use std::net::Ipv6Addr;

/// Requires exactly one valid Host field of an HTTP/1.1 request (RFC 9112, 3.2). HTTP/1.0 may leave it out, and so may
/// HTTP/2, where it has to agree with `:authority` (RFC 9113, 8.3.1).
///
/// # Errors
/// 400.
pub(in crate::http) fn require_host(parts: &Parts) -> Result<(), Problem> {
    let host = only_host(parts.version, &parts.headers)?;
    let Some(host) = host else { return Ok(()) };
    if !is_host(host) {
        return Err(
            ProblemKind::MalformedRequest.with_detail("the Host field does not name a host")
        );
    }
    let disagrees = parts.version == Version::HTTP_2
        && parts
            .uri
            .authority()
            .is_some_and(|named| !named.as_str().as_bytes().eq_ignore_ascii_case(host));
    if disagrees {
        return Err(ProblemKind::MalformedRequest
            .with_detail("the Host field and :authority name different hosts"));
    }
    Ok(())
}

fn only_host(version: Version, headers: &HeaderMap) -> Result<Option<&[u8]>, Problem> {
    let mut hosts = headers.get_all(HOST).iter();
    let (first, second) = (hosts.next(), hosts.next());
    if second.is_none() && (first.is_some() || version != Version::HTTP_11) {
        return Ok(first.map(http::HeaderValue::as_bytes));
    }
    Err(ProblemKind::MalformedRequest.with_detail("the Host field must occur exactly once"))
}

/// Whether the bytes are `uri-host [ ":" port ]` (RFC 9110, 7.2; RFC 3986, 3.2.2). Empty is valid: it says that the target
/// has no authority.
fn is_host(value: &[u8]) -> bool {
    let (host_is_valid, rest) = if let [b'[', rest @ ..] = value {
        let Some(end) = memchr::memchr(b']', rest) else {
            return false;
        };
        let address = str::from_utf8(&rest[..end]).ok();
        let parsed = address.and_then(|text| text.parse::<Ipv6Addr>().ok());
        (parsed.is_some(), &rest[end + 1..])
    } else {
        let end = memchr::memchr(b':', value).unwrap_or(value.len());
        (is_registered_name(&value[..end]), &value[end..])
    };
    host_is_valid
        && match rest {
            [] => true,
            [b':', port @ ..] => is_port(port),
            _ => false,
        }
}

/// Names and IPv4 addresses.
fn is_registered_name(mut name: &[u8]) -> bool {
    loop {
        name = match name {
            [] => return true,
            [b'%', high, low, rest @ ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                rest
            }
            [byte, rest @ ..]
                if byte.is_ascii_alphanumeric() || b"-._~!$&'()*+;=".contains(byte) =>
            {
                rest
            }
            _ => return false,
        };
    }
}

fn is_port(port: &[u8]) -> bool {
    let text = str::from_utf8(port).unwrap_or("x");
    port.is_empty() || (port.iter().all(u8::is_ascii_digit) && text.parse::<u16>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::{is_host, require_host};
    use http::{Request, Version};

    #[test]
    fn over_http_2_host_and_authority_name_one_host() {
        for (host, accepted) in [("a:443", true), ("A:443", true), ("b:443", false)] {
            let request = Request::get("https://a:443/").version(Version::HTTP_2);
            let request = request.header("host", host).body(()).unwrap();
            let outcome = require_host(&request.into_parts().0);
            assert_eq!(outcome.is_ok(), accepted, "{host}");
        }
    }

    #[test]
    fn a_host_is_a_name_or_an_address_with_or_without_a_port() {
        for good in [
            "",
            "a",
            "a.example.com",
            "a:80",
            "a:",
            "127.0.0.1:8080",
            "[::1]",
            "[2001:db8::1]:443",
            "a_b~c!",
            "%c3%a9",
        ] {
            assert!(is_host(good.as_bytes()), "{good}");
        }
        for bad in [
            "a b", "a,b", "me@a", "a/b", "a:x", "a:99999", "a:1:2", "[::1", "[x]", "[::1]x", "a%2",
            "a?b", "a#b", "\u{e9}",
        ] {
            assert!(!is_host(bad.as_bytes()), "{bad}");
        }
    }
}
