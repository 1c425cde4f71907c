//! The URL of the service as its clients know it, for `meta.location`: as it is configured, as a trusted proxy reports it, or
//! as the request names it.

use crate::http::call::{Call, Transport};
use crate::http::edge::client_address::TrustedProxies;
use crate::http::settings::ScimSettings;
use http::uri::Authority;
use http::{HeaderMap, HeaderName, header};

const FORWARDED: HeaderName = HeaderName::from_static("forwarded");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");

/// The URL of SCIM, without a slash at its end, such as `https://roster.example/scim/v2`.
pub(super) fn base(settings: &ScimSettings, proxies: &TrustedProxies, call: &Call) -> String {
    if let Some(base) = &settings.base_url {
        return base.to_string();
    }
    let transport = call.parts.extensions.get::<Transport>();
    let mut scheme = if transport.is_some_and(|transport| transport.is_tls) {
        "https"
    } else {
        "http"
    };
    let headers = call.headers();
    let mut host = call.parts.uri.authority().map(Authority::as_str);
    host = host.or_else(|| text(headers, &header::HOST));
    if transport.is_some_and(|transport| proxies.trusts(transport.peer.to_canonical())) {
        let reported = Reported::read(headers);
        match reported.scheme {
            Some(proto) if proto.eq_ignore_ascii_case("https") => scheme = "https",
            Some(proto) if proto.eq_ignore_ascii_case("http") => scheme = "http",
            _ => {}
        }
        host = reported.host.or(host);
    }
    // A request without a usable host gets a relative location, as the rest of the API gives out.
    match host.and_then(|host| host.parse::<Authority>().ok()) {
        Some(host) => format!("{scheme}://{host}/scim/v2"),
        None => "/scim/v2".to_owned(),
    }
}

/// What the proxies in front say of the client's request; the first one is the client's.
struct Reported<'a> {
    scheme: Option<&'a str>,
    host: Option<&'a str>,
}

impl<'a> Reported<'a> {
    /// From `Forwarded` (RFC 7239), or from the fields that came before it.
    fn read(headers: &'a HeaderMap) -> Self {
        let Some(forwarded) = text(headers, &FORWARDED) else {
            let first = |name| {
                let list: &str = text(headers, name)?;
                list.split(',').next().map(str::trim)
            };
            return Self {
                scheme: first(&X_FORWARDED_PROTO),
                host: first(&X_FORWARDED_HOST),
            };
        };
        let element = forwarded.split(',').next().unwrap_or("");
        let parameter = |wanted: &str| {
            element.split(';').find_map(|pair| {
                let (name, value) = pair.split_once('=')?;
                let is_wanted = name.trim().eq_ignore_ascii_case(wanted);
                is_wanted.then(|| value.trim().trim_matches('"'))
            })
        };
        Self {
            scheme: parameter("proto"),
            host: parameter("host"),
        }
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::Request;
    use std::net::{IpAddr, Ipv4Addr};

    fn base_of(peer: [u8; 4], is_tls: bool, fields: &[(&str, &str)]) -> String {
        let mut request = Request::get("/scim/v2/Users").header("host", "10.0.0.1:8080");
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        let (mut parts, ()) = request.body(()).unwrap().into_parts();
        let peer = IpAddr::V4(Ipv4Addr::from(peer));
        parts.extensions.insert(Transport { peer, is_tls });
        let proxies = TrustedProxies::new(&["192.0.2.0/24".parse().unwrap()]);
        base(&ScimSettings::default(), &proxies, &Call::new(parts, peer))
    }

    #[test]
    fn a_request_without_a_proxy_names_its_own_host() {
        let fields = [
            ("x-forwarded-host", "evil.example"),
            ("x-forwarded-proto", "https"),
        ];
        assert_eq!(
            base_of([198, 51, 100, 1], false, &fields),
            "http://10.0.0.1:8080/scim/v2"
        );
        assert_eq!(
            base_of([198, 51, 100, 1], true, &[]),
            "https://10.0.0.1:8080/scim/v2"
        );
    }

    #[test]
    fn a_trusted_proxy_reports_the_host_and_the_scheme() {
        for fields in [
            &[
                ("x-forwarded-host", "roster.example"),
                ("x-forwarded-proto", "https, http"),
            ][..],
            &[(
                "forwarded",
                "for=198.51.100.1;proto=https;host=\"roster.example\", for=10.0.0.9",
            )][..],
        ] {
            assert_eq!(
                base_of([192, 0, 2, 7], false, fields),
                "https://roster.example/scim/v2"
            );
        }
        let fields = [("x-forwarded-host", "not a host")];
        assert_eq!(base_of([192, 0, 2, 7], false, &fields), "/scim/v2");
    }
}
