//! The HTTP client for commands: limits on everything, TLS by aws-lc-rs, the system's root certificates.
//!
//! Redirects are followed, without `Authorization` to another host. It knows nothing about servers; an error status is
//! a response, not an error.

mod proxy;

use std::sync::Arc;
use std::time::Duration;

use proxy::ProxySettings;
use ureq::config::{ConfigBuilder, RedirectAuthHeaders};
use ureq::http::Request;
use ureq::middleware::MiddlewareNext;
use ureq::tls::{RootCerts, TlsConfig};
use ureq::typestate::AgentScope;
use ureq::{Agent, SendBody};

/// Connect timeout.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// The most redirects of one call.
const MAX_REDIRECTS: u32 = 5;

/// A client with `call_timeout` per call.
pub fn agent(call_timeout: Duration) -> Agent {
    with_proxy(proxy::from(variable), call_timeout)
}

fn with_proxy(settings: Option<ProxySettings>, call_timeout: Duration) -> Agent {
    let Some(settings) = settings else {
        return configuration(call_timeout).build().new_agent();
    };
    let mut builder = configuration(call_timeout).proxy(Some(settings.proxy.clone()));
    if settings.has_direct_ipv6() {
        // Decided by the first URL: where a redirect leads is reached in the same way.
        let direct = configuration(call_timeout).build().new_agent();
        builder = builder.middleware(move |request: Request<SendBody>, next: MiddlewareNext| {
            if settings.is_direct_ipv6(request.uri()) {
                direct.run(request)
            } else {
                next.handle(request)
            }
        });
    }
    builder.build().new_agent()
}

/// Everything but the proxy.
fn configuration(call_timeout: Duration) -> ConfigBuilder<AgentScope> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let tls = TlsConfig::builder()
        .unversioned_rustls_crypto_provider(provider)
        .root_certs(RootCerts::PlatformVerifier)
        .build();
    Agent::config_builder()
        .timeout_connect(Some(CONNECT_TIMEOUT))
        .timeout_global(Some(call_timeout))
        .proxy(None)
        .http_status_as_error(false)
        .max_redirects(MAX_REDIRECTS)
        .redirect_auth_headers(RedirectAuthHeaders::SameHost)
        .user_agent(concat!("roster-xtask/", env!("CARGO_PKG_VERSION")))
        .tls_config(tls)
}

/// Why a call of this URL failed, with the proxy that it went through.
pub fn describe(url: &str, error: &ureq::Error) -> String {
    through_proxy(url, &error.to_string())
}

/// A reason why a call of this URL failed, with the proxy that it went through.
pub fn through_proxy(url: &str, why: &str) -> String {
    with_proxy_of(proxy::from(variable), url, why)
}

fn with_proxy_of(settings: Option<ProxySettings>, url: &str, why: &str) -> String {
    let uri = url.parse().ok();
    let applies = |settings: &ProxySettings| uri.is_some_and(|uri| settings.applies_to(&uri));
    match settings.filter(applies) {
        Some(ProxySettings { proxy, .. }) => {
            format!(
                "{why} (through the proxy {}:{})",
                proxy.host(),
                proxy.port()
            )
        }
        None => why.to_owned(),
    }
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

#[cfg(test)]
mod tests {
    use super::{with_proxy, with_proxy_of};
    use crate::proxy::{self, ProxySettings};
    use std::io::{Read as _, Write as _};
    use std::net::TcpListener;
    use std::time::Duration;

    fn settings(proxy: &str, no_proxy: &str) -> Option<ProxySettings> {
        proxy::from(|name| match name {
            "http_proxy" => Some(proxy.to_owned()),
            "no_proxy" => Some(no_proxy.to_owned()),
            _ => None,
        })
    }

    #[test]
    fn a_failure_names_the_proxy_without_its_password() {
        let proxy = "http://user:secret@proxy.example:3128";
        let url = "https://slack.example/services/T0/B0";
        assert_eq!(
            with_proxy_of(settings(proxy, ""), url, "timed out"),
            "timed out (through the proxy proxy.example:3128)"
        );
        for (settings, url) in [
            (None, url),
            (settings(proxy, "slack.example"), url),
            (settings(proxy, "fd00::/8"), "https://[fd00::1]/"),
            (settings(proxy, ""), "http://127.0.0.1:9000/"),
        ] {
            assert_eq!(with_proxy_of(settings, url, "timed out"), "timed out");
        }
    }

    #[test]
    fn an_ipv6_address_in_no_proxy_is_reached_without_the_proxy() {
        let Ok(listener) = TcpListener::bind("[::1]:0") else {
            // Without IPv6 there is nothing to reach.
            return;
        };
        let port = listener.local_addr().expect("an address").port();
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("a connection");
            let mut request = [0; 1024];
            let _ = stream.read(&mut request).expect("a request");
            let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
            stream.write_all(answer).expect("is read");
        });
        // Nothing listens there. The address is not spelled as loopback is, or no proxy would be asked for anyway.
        let settings = settings("http://127.0.0.1:1", "::/96");
        let agent = with_proxy(settings, Duration::from_secs(20));
        let answer = agent
            .get(format!("http://[0:0:0:0:0:0:0:1]:{port}/"))
            .call();
        assert_eq!(answer.expect("reached").status(), 200);
        server.join().expect("served");
    }
}
