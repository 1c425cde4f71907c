//! The proxy of this machine's variables, as curl and Go read them.
//!
//! `https_proxy`, then `http_proxy` and `all_proxy`, in lower case first. Never for loopback: a server on this machine is
//! not behind a proxy. `NO_PROXY` is a list, with blanks or without: `*`, hosts with all their subdomains
//! (`example.com`, `.example.com`, `*.example.com`, `example.com:8443`), addresses, and ranges (`10.0.0.0/8`, `fd00::/8`).

use std::net::{Ipv4Addr, Ipv6Addr};

use ureq::Proxy;
use ureq::http::Uri;

const VARIABLES: [&str; 6] = [
    "https_proxy",
    "HTTPS_PROXY",
    "http_proxy",
    "HTTP_PROXY",
    "all_proxy",
    "ALL_PROXY",
];
/// Loopback, as URIs write it.
const LOOPBACK: [&str; 4] = ["localhost", ".localhost", "127.*", "[::1]"];

/// A proxy, and what is reached without it.
pub(crate) struct ProxySettings {
    /// Knows the hosts and the IPv4 addresses that are reached without it.
    pub(crate) proxy: Proxy,
    /// The IPv6 addresses that are: ureq compares texts, and an address of IPv6 has many.
    direct: Vec<Ipv6Range>,
}

impl ProxySettings {
    /// Whether a URL is reached without the proxy, by its IPv6 address.
    pub(crate) fn is_direct_ipv6(&self, uri: &Uri) -> bool {
        let host = uri.host().and_then(|host| host.strip_prefix('['));
        let address = host.and_then(|host| host.trim_end_matches(']').parse().ok());
        address.is_some_and(|address| self.direct.iter().any(|range| range.contains(address)))
    }

    /// Whether a URL is reached through the proxy.
    pub(crate) fn applies_to(&self, uri: &Uri) -> bool {
        !self.proxy.is_no_proxy(uri) && !self.is_direct_ipv6(uri)
    }

    /// Whether there are IPv6 addresses that are reached without the proxy.
    pub(crate) fn has_direct_ipv6(&self) -> bool {
        !self.direct.is_empty()
    }
}

/// Addresses of IPv6 with a common beginning.
#[derive(Clone, Copy)]
struct Ipv6Range {
    first: u128,
    mask: u128,
}

impl Ipv6Range {
    /// An address, in brackets or without, or an address and the number of its bits that count.
    fn parse(entry: &str) -> Option<Self> {
        let (address, bits) = match entry.split_once('/') {
            Some((address, bits)) => (address, bits.parse().ok().filter(|bits| *bits <= 128)?),
            None => (entry, 128),
        };
        let address = address.trim_start_matches('[');
        // After the brackets there may be a port, which is not compared.
        let address = address
            .split_once(']')
            .map_or(address, |(address, _)| address);
        let address: Ipv6Addr = address.parse().ok()?;
        let mask = u128::MAX.checked_shl(128 - bits).unwrap_or(0);
        Some(Self {
            first: address.to_bits() & mask,
            mask,
        })
    }

    fn contains(self, address: Ipv6Addr) -> bool {
        address.to_bits() & self.mask == self.first
    }
}

/// The proxy, if one is set; `variable` returns the value of a variable.
pub(crate) fn from(variable: impl Fn(&str) -> Option<String>) -> Option<ProxySettings> {
    let set = |name: &&str| variable(name).filter(|value| !value.trim().is_empty());
    let text = VARIABLES.iter().find_map(set)?;
    let proxy = Proxy::new(text.trim()).ok()?;
    let mut builder = Proxy::builder(proxy.protocol())
        .host(proxy.host())
        .port(proxy.port());
    if let Some(user) = proxy.username() {
        builder = builder.username(user);
    }
    if let Some(password) = proxy.password() {
        builder = builder.password(password);
    }
    let excluded = ["no_proxy", "NO_PROXY"].iter().find_map(set);
    let excluded = excluded.unwrap_or_default();
    let entries = excluded
        .split([',', ' '])
        .map(str::trim)
        .filter(|entry| !entry.is_empty());
    for expression in LOOPBACK {
        builder = builder.no_proxy(expression);
    }
    let mut direct = Vec::new();
    for entry in entries {
        if let Some(range) = Ipv6Range::parse(entry) {
            direct.push(range);
            continue;
        }
        for expression in expressions(entry) {
            builder = builder.no_proxy(&expression);
        }
    }
    Some(ProxySettings {
        proxy: builder.build().ok()?,
        direct,
    })
}

/// What ureq understands: exact hosts, and those with a prefix or a suffix.
fn expressions(entry: &str) -> Vec<String> {
    if entry == "*" {
        return vec![entry.to_owned()];
    }
    if let Some((address, bits)) = entry.split_once('/')
        && let (Ok(address), Ok(bits)) = (address.parse::<Ipv4Addr>(), bits.parse::<u32>())
        && bits <= 32
    {
        return range(address, bits);
    }
    // A port is not compared: a host that is reached without the proxy at one port is so at the others.
    let host = entry.split_once(':').map_or(entry, |(host, _)| host);
    let host = host.trim_start_matches("*.").trim_start_matches('.');
    if host.parse::<Ipv4Addr>().is_ok() {
        return vec![host.to_owned()];
    }
    vec![host.to_owned(), format!(".{host}")]
}

/// The addresses of a range: those that share the octets that are whole, times the values of the octet that is not.
fn range(address: Ipv4Addr, bits: u32) -> Vec<String> {
    let octets = address.octets();
    let whole = (bits / 8) as usize;
    let prefix: Vec<String> = octets[..whole].iter().map(u8::to_string).collect();
    if whole == 4 {
        return vec![address.to_string()];
    }
    // How many values of the first octet that is not whole belong to the range.
    let values = 1_u16 << (8 - bits % 8);
    let first = u16::from(octets[whole]) / values * values;
    let end = if whole == 3 { "" } else { ".*" };
    (first..first + values)
        .map(|octet| {
            let known = prefix.iter().cloned().chain([octet.to_string()]);
            known.collect::<Vec<_>>().join(".") + end
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::from;

    /// Whether a URL goes through the proxy with this `NO_PROXY`.
    fn is_proxied(no_proxy: &str, url: &str) -> bool {
        let proxy = from(|name| match name {
            "HTTPS_PROXY" => Some("http://user:secret@proxy.example:3128".to_owned()),
            "NO_PROXY" => Some(no_proxy.to_owned()),
            _ => None,
        });
        let settings = proxy.expect("is set");
        let proxy = &settings.proxy;
        assert_eq!((proxy.host(), proxy.port()), ("proxy.example", 3128));
        assert_eq!(proxy.username(), Some("user"));
        settings.applies_to(&url.parse().expect("is a URI"))
    }

    #[test]
    fn loopback_is_never_reached_through_a_proxy() {
        for url in [
            "http://127.0.0.1:5000/v2/",
            "http://127.8.9.10/",
            "http://localhost:8080/",
            "http://a.localhost/",
            "http://[::1]:9090/",
        ] {
            assert!(!is_proxied("", url), "{url}");
        }
        assert!(is_proxied("", "https://registry.example/v2/"));
        assert!(is_proxied("", "https://localhost.example/"));
    }

    #[test]
    fn no_proxy_is_read_as_curl_and_go_read_it() {
        for (list, url, proxied) in [
            ("example.com", "https://example.com/", false),
            ("example.com", "https://a.example.com/", false),
            (".example.com", "https://a.example.com/", false),
            (".example.com", "https://example.com/", false),
            ("*.example.com", "https://a.example.com/", false),
            ("example.com", "https://notexample.com/", true),
            ("other.org, example.com", "https://example.com/", false),
            (
                "other.org example.com:8443",
                "https://example.com:8443/",
                false,
            ),
            ("*", "https://example.com/", false),
            ("10.1.2.3", "https://10.1.2.3/", false),
            ("10.1.2.3", "https://10.1.2.30/", true),
            ("10.0.0.0/8", "https://10.200.3.4/", false),
            ("10.0.0.0/8", "https://100.0.0.1/", true),
            ("172.16.0.0/12", "https://172.31.255.1/", false),
            ("172.16.0.0/12", "https://172.32.0.1/", true),
            ("192.168.7.128/25", "https://192.168.7.200/", false),
            ("192.168.7.128/25", "https://192.168.7.20/", true),
            ("192.168.7.9/32", "https://192.168.7.9/", false),
            ("0.0.0.0/0", "https://8.8.8.8/", false),
            ("[2001:db8::1]", "https://[2001:db8::1]/", false),
            ("2001:db8::1", "https://[2001:DB8:0::1]:8443/", false),
            ("[2001:db8::1]:8443", "https://[2001:db8::1]/", false),
            ("2001:db8::1", "https://[2001:db8::2]/", true),
            ("2001:db8::/32", "https://[2001:db8:ffff::9]/", false),
            ("2001:db8::/32", "https://[2001:db9::9]/", true),
            ("fc00::/7", "https://[fdff::1]/", false),
            ("fc00::/7", "https://[fe00::1]/", true),
            ("64:ff9b::/96", "https://[64:ff9b::c0a8:1]/", false),
            ("64:ff9b::/96", "https://[64:ff9b::1:c0a8:1]/", true),
            ("::/0", "https://[2001:db8::1]/", false),
            ("::/0", "https://192.0.2.1/", true),
            ("10.0.0.0/8,fd00::/8", "https://[fd12::1]/", false),
            ("fd00::/129", "https://[fd00::1]/", true),
            ("", "https://example.com/", true),
        ] {
            assert_eq!(is_proxied(list, url), proxied, "NO_PROXY={list:?}, {url}");
        }
    }

    #[test]
    fn an_empty_variable_sets_no_proxy_and_lower_case_comes_first() {
        assert!(from(|_| None).is_none());
        assert!(from(|name| (name == "https_proxy").then(String::new)).is_none());
        let proxy = from(|name| Some(format!("http://{}.example", name.replace('_', "-"))));
        assert_eq!(proxy.expect("is set").proxy.host(), "https-proxy.example");
    }
}
