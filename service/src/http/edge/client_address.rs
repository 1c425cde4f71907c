//! The address of a client: that of its connection, or the one that a trusted proxy reports (`X-Forwarded-For`).
//!
//! A client can write the field itself, so it is read from its end, and no further than the first address that is not a
//! trusted proxy.

use http::{HeaderMap, HeaderName};
use ipnet::IpNet;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The networks of the proxies whose `X-Forwarded-For` is believed.
#[derive(Clone, Debug, Default)]
pub struct TrustedProxies(Arc<[IpNet]>);

impl TrustedProxies {
    /// Trusts these networks.
    pub fn new(networks: &[IpNet]) -> Self {
        Self(networks.into())
    }

    /// The address of the client of a request that came from `peer` with these header fields.
    pub(super) fn client_of(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut client = peer.to_canonical();
        if !self.trusts(client) {
            return client;
        }
        for field in headers.get_all(X_FORWARDED_FOR).iter().rev() {
            for hop in field.as_bytes().rsplit(|byte| *byte == b',') {
                // What cannot be read was not written by a proxy of ours, nor was what stands before it.
                let Some(address) = address(hop) else {
                    return client;
                };
                client = address;
                if !self.trusts(client) {
                    return client;
                }
            }
        }
        client
    }

    /// Whether `address` is one of them.
    pub(in crate::http) fn trusts(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(&address))
    }
}

/// An address, as proxies write it: with a port or without, IPv6 in brackets or not.
fn address(hop: &[u8]) -> Option<IpAddr> {
    let text = str::from_utf8(hop).ok()?.trim();
    let bare = text
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .unwrap_or(text);
    let address = bare.parse().ok();
    let address = address.or_else(|| {
        text.parse()
            .ok()
            .map(|with_port: SocketAddr| with_port.ip())
    });
    address.map(|address: IpAddr| address.to_canonical())
}

/// What counts as one client: an IPv4 address, or an IPv6 network of 64 bits, since a host has all addresses of one.
pub(super) fn network_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => {
            let network = u128::from(v6) & !u128::from(u64::MAX);
            IpAddr::V6(network.into())
        }
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::{TrustedProxies, X_FORWARDED_FOR};
    use http::{HeaderMap, HeaderValue};

    fn client(trusted: &[&str], peer: &str, fields: &[&str]) -> String {
        let networks: Vec<_> = trusted.iter().map(|text| text.parse().unwrap()).collect();
        let mut headers = HeaderMap::new();
        for field in fields {
            headers.append(X_FORWARDED_FOR, HeaderValue::from_str(field).unwrap());
        }
        let proxies = TrustedProxies::new(&networks);
        proxies
            .client_of(peer.parse().unwrap(), &headers)
            .to_string()
    }

    #[test]
    fn the_client_is_the_last_address_that_is_not_a_trusted_proxy() {
        let trusted = &["10.0.0.0/8", "2001:db8:ff::/48"][..];
        for (peer, fields, expected) in [
            ("192.0.2.9", &["192.0.2.1"][..], "192.0.2.9"),
            ("10.1.2.3", &["192.0.2.1"], "192.0.2.1"),
            ("::ffff:10.1.2.3", &["192.0.2.1"], "192.0.2.1"),
            (
                "10.1.2.3",
                &["198.51.100.1, 192.0.2.1 ,10.9.9.9"],
                "192.0.2.1",
            ),
            ("10.1.2.3", &["198.51.100.1", "192.0.2.1"], "192.0.2.1"),
            ("10.1.2.3", &["192.0.2.1:4711"], "192.0.2.1"),
            ("2001:db8:ff::1", &["[2001:db8::1]:80"], "2001:db8::1"),
            ("2001:db8:ff::1", &["[2001:db8::1]"], "2001:db8::1"),
            ("10.1.2.3", &["192.0.2.1, unknown"], "10.1.2.3"),
            ("10.1.2.3", &["192.0.2.1,"], "10.1.2.3"),
            ("10.1.2.3", &["10.4.5.6"], "10.4.5.6"),
            ("10.1.2.3", &[], "10.1.2.3"),
        ] {
            assert_eq!(client(trusted, peer, fields), expected, "{peer} {fields:?}");
        }
        assert_eq!(client(&[], "10.1.2.3", &["192.0.2.1"]), "10.1.2.3");
    }
}
