//! Origins of web pages, in the form in which browsers send them.

use std::str::FromStr;

/// An origin as it stands in the header field `Origin` (RFC 6454, 6.2): scheme, host, and a port unless it is the
/// scheme's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin(String);

/// Why a text can never equal the `Origin` of a page; the display ends with what to write instead.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadOrigin {
    /// A wildcard, alone or in the host.
    #[error(
        "wildcards are not supported, since any page could then read users; list each origin, such as https://app.example"
    )]
    Wildcard,
    /// The origin of sandboxed frames and local files.
    #[error(
        "'null' is the origin of every sandboxed frame and local file; serve the page by HTTP and list its origin, such as https://app.example"
    )]
    Null,
    /// No scheme.
    #[error("the scheme is missing; write https://app.example, or http://localhost:3000")]
    NoScheme,
    /// Something after host and port, or before the host.
    #[error("an origin is scheme, host and port alone; write {0}")]
    MoreThanAnOrigin(String),
    /// The port that the scheme implies.
    #[error("browsers leave out the default port; write {0}")]
    DefaultPort(String),
    /// Upper case.
    #[error("browsers send origins in lower case; write {0}")]
    UpperCase(String),
    /// A host in another script.
    #[error("browsers send internationalized hosts as A-labels; write the host as xn--…")]
    NotAscii,
    /// A host or port that no URL has.
    #[error(
        "the host or the port is not valid; write https://app.example, or https://app.example:8443"
    )]
    Invalid,
}

impl Origin {
    /// The text that browsers send.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Origin {
    type Err = BadOrigin;

    fn from_str(text: &str) -> Result<Self, BadOrigin> {
        let text = text.trim();
        if text.contains('*') {
            return Err(BadOrigin::Wildcard);
        }
        if text == "null" {
            return Err(BadOrigin::Null);
        }
        let (scheme, rest) = text.split_once("://").ok_or(BadOrigin::NoScheme)?;
        if !is_scheme(scheme) {
            return Err(BadOrigin::NoScheme);
        }
        let host_and_port = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let host_and_port = host_and_port.rsplit('@').next().unwrap_or_default();
        if host_and_port.len() != rest.len() {
            return Err(BadOrigin::MoreThanAnOrigin(format!(
                "{scheme}://{host_and_port}"
            )));
        }
        if !text.is_ascii() {
            return Err(BadOrigin::NotAscii);
        }
        let (host, port) = split_port(host_and_port).ok_or(BadOrigin::Invalid)?;
        if !is_host(host) || port.is_some_and(|port| !is_port(port)) {
            return Err(BadOrigin::Invalid);
        }
        let lower = text.to_ascii_lowercase();
        if lower != text {
            return Err(BadOrigin::UpperCase(lower));
        }
        if matches!(
            (scheme, port),
            ("https", Some("443")) | ("http", Some("80"))
        ) {
            return Err(BadOrigin::DefaultPort(format!("{scheme}://{host}")));
        }
        Ok(Self(lower))
    }
}

fn is_scheme(text: &str) -> bool {
    let mut bytes = text.bytes();
    bytes
        .next()
        .is_some_and(|first| first.is_ascii_alphabetic())
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
}

/// Host and port; the colons of an IPv6 address stand in brackets.
fn split_port(text: &str) -> Option<(&str, Option<&str>)> {
    let end = if text.starts_with('[') {
        text.find(']')? + 1
    } else {
        text.find(':').unwrap_or(text.len())
    };
    let (host, port) = text.split_at(end);
    match port.strip_prefix(':') {
        Some(port) => Some((host, Some(port))),
        None => port.is_empty().then_some((host, None)),
    }
}

fn is_host(text: &str) -> bool {
    if let Some(inner) = text.strip_prefix('[') {
        let address = inner.strip_suffix(']').unwrap_or_default();
        return address.parse::<std::net::Ipv6Addr>().is_ok();
    }
    let known = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    !text.is_empty() && text.bytes().all(known)
}

fn is_port(text: &str) -> bool {
    !text.starts_with('0') && text.parse::<u16>().is_ok_and(|port| port > 0)
}

#[cfg(test)]
mod tests {
    use super::{BadOrigin, Origin};

    #[test]
    fn what_browsers_send_is_accepted() {
        for text in [
            "https://app.example",
            "https://app.example:8443",
            "http://localhost:3000",
            "http://127.0.0.1:8080",
            "https://[2001:db8::1]:8443",
            "https://xn--mller-kva.example",
            "capacitor://localhost",
        ] {
            assert_eq!(
                text.parse::<Origin>().as_ref().map(Origin::as_str),
                Ok(text)
            );
        }
    }

    #[test]
    fn what_no_page_can_send_is_refused_with_what_to_write() {
        let more = |text: &str| BadOrigin::MoreThanAnOrigin(text.into());
        for (text, why) in [
            ("*", BadOrigin::Wildcard),
            ("https://*.example", BadOrigin::Wildcard),
            ("null", BadOrigin::Null),
            ("", BadOrigin::NoScheme),
            ("app.example", BadOrigin::NoScheme),
            ("app.example:443", BadOrigin::NoScheme),
            ("://app.example", BadOrigin::NoScheme),
            ("https://app.example/", more("https://app.example")),
            (
                "https://app.example:8443/login?x#y",
                more("https://app.example:8443"),
            ),
            (
                "https://ada:secret@app.example",
                more("https://app.example"),
            ),
            (
                "https://app.example:443",
                BadOrigin::DefaultPort("https://app.example".into()),
            ),
            (
                "http://app.example:80",
                BadOrigin::DefaultPort("http://app.example".into()),
            ),
            (
                "HTTPS://App.example",
                BadOrigin::UpperCase("https://app.example".into()),
            ),
            ("https://müller.example", BadOrigin::NotAscii),
            ("https://", BadOrigin::Invalid),
            ("https://app.example:", BadOrigin::Invalid),
            ("https://app.example:0", BadOrigin::Invalid),
            ("https://app.example:08443", BadOrigin::Invalid),
            ("https://app.example:65536", BadOrigin::Invalid),
            ("https://app example", BadOrigin::Invalid),
            ("https://[::1", BadOrigin::Invalid),
            ("https://2001:db8::1", BadOrigin::Invalid),
        ] {
            assert_eq!(text.parse::<Origin>(), Err(why), "{text}");
        }
    }
}
