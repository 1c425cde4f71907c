//! A running service as a client on this machine reaches it: by an address, without DNS, and with its own authority.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use base64::Engine as _;
use serde_json::Value;
use ureq::Agent;
use ureq::config::Config;
use ureq::http::Uri;
use ureq::tls::{Certificate, RootCerts, TlsConfig};
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{DefaultConnector, NextTimeout};

const TIMEOUT: Duration = Duration::from_secs(10);
/// Idle connections that are kept.
const CONNECTIONS: usize = 20;

/// Where the service is reached.
#[derive(Clone)]
pub(crate) struct Target {
    /// Its display name: `Service` or `Gateway`.
    pub(crate) name: &'static str,
    /// Scheme, host and port.
    pub(crate) url: String,
    /// The host's address, without DNS.
    pub(crate) address: SocketAddr,
    /// CA certificate (PEM).
    pub(crate) authority: Option<Vec<u8>>,
    /// Client id and secret, if tokens are required.
    pub(crate) client: Option<(String, String)>,
}

/// A client that speaks to the target alone.
pub(crate) fn agent(target: &Target) -> Agent {
    let roots = target
        .authority
        .as_deref()
        .map_or(RootCerts::PlatformVerifier, |pem| {
            Certificate::from_pem(pem).map_or(RootCerts::PlatformVerifier, |certificate| {
                RootCerts::new_with_certs(&[certificate])
            })
        });
    let tls = TlsConfig::builder()
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .root_certs(roots)
        .build();
    let config = Agent::config_builder()
        .timeout_global(Some(TIMEOUT))
        .http_status_as_error(false)
        .max_redirects(0)
        .max_idle_connections_per_host(CONNECTIONS)
        .tls_config(tls)
        .build();
    Agent::with_parts(config, DefaultConnector::default(), Fixed(target.address))
}

/// The `Authorization` of a new token, if the target takes tokens.
pub(crate) fn token(agent: &Agent, target: &Target) -> Result<Option<String>> {
    let Some((id, secret)) = &target.client else {
        return Ok(None);
    };
    let pair = base64::engine::general_purpose::STANDARD.encode(format!("{id}:{secret}"));
    let mut answer = agent
        .post(format!("{}/oauth/token", target.url))
        .header("authorization", format!("Basic {pair}"))
        .send_form([("grant_type", "client_credentials")])?;
    let answer: Value = answer.body_mut().read_json()?;
    let token = answer["access_token"]
        .as_str()
        .context("the service did not issue a token")?;
    Ok(Some(format!("Bearer {token}")))
}

/// A resolver that knows one address.
#[derive(Debug)]
struct Fixed(SocketAddr);

impl Resolver for Fixed {
    fn resolve(
        &self,
        _: &Uri,
        _: &Config,
        _: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let mut addresses = self.empty();
        addresses.push(self.0);
        Ok(addresses)
    }
}
