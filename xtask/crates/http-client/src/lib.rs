//! The HTTP client for commands: limits on everything, TLS by aws-lc-rs, the system's root certificates.
//!
//! Redirects are followed, without `Authorization` to another host. It knows nothing about servers; an error status is
//! a response, not an error.

mod proxy;

use std::sync::Arc;
use std::time::Duration;

use ureq::Agent;
use ureq::config::RedirectAuthHeaders;
use ureq::tls::{RootCerts, TlsConfig};

/// Connect timeout.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// The most redirects of one call.
const MAX_REDIRECTS: u32 = 5;

/// A client with `call_timeout` per call.
pub fn agent(call_timeout: Duration) -> Agent {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let tls = TlsConfig::builder()
        .unversioned_rustls_crypto_provider(provider)
        .root_certs(RootCerts::PlatformVerifier)
        .build();
    Agent::config_builder()
        .timeout_connect(Some(CONNECT_TIMEOUT))
        .timeout_global(Some(call_timeout))
        .proxy(proxy::from(|name| std::env::var(name).ok()))
        .http_status_as_error(false)
        .max_redirects(MAX_REDIRECTS)
        .redirect_auth_headers(RedirectAuthHeaders::SameHost)
        .user_agent(concat!("roster-xtask/", env!("CARGO_PKG_VERSION")))
        .tls_config(tls)
        .build()
        .new_agent()
}

/// The proxy through which the agent reaches this URL, as `host:port`, for the message of a request that failed.
pub fn proxy_for(agent: &Agent, url: &str) -> Option<String> {
    let proxy = agent.config().proxy()?;
    let url = url.parse().ok()?;
    (!proxy.is_no_proxy(&url)).then(|| format!("{}:{}", proxy.host(), proxy.port()))
}
