//! The OIDC issuer whose tokens are taken: finds its keys by discovery and fetches them.
//!
//! Follows redirects within one origin only, and bounds what it reads and how long it waits. When to fetch
//! and how long keys are kept is not decided here.

use super::claims::{Expected, ScopeClaims};
use super::jwk::verification_keys;
use super::signing_keys::PublicKey;
use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode, Uri, header};
use http_body_util::{BodyExt, Empty, Limited};
use hyper::body::Incoming;
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use serde::Deserialize;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// The longest that discovery and keys may take together.
const FETCH_TIMEOUT: Duration = Duration::from_secs(5);
/// A key set of ten RSA keys has about 10 KiB.
const MAX_DOCUMENT_BYTES: usize = 256 * 1024;
/// More keys than this are not used; the log says so.
const MAX_KEYS: usize = 256;
/// The most redirects of one fetch, each to the same origin.
const MAX_REDIRECTS: usize = 3;

/// Which issuer is trusted, and how it is reached.
#[derive(Clone, Debug)]
pub struct OidcSettings {
    /// Its name: the `iss` of its tokens, and where its discovery document is found.
    pub issuer: String,
    /// The `aud` that its tokens must have.
    pub audience: String,
    /// Authorities that may sign its certificate, in PEM; those of the web when absent.
    pub ca_file: Option<PathBuf>,
    /// Whether an issuer beyond this host may be asked over plain HTTP.
    pub allow_plain_http: bool,
    /// Where its tokens name what they allow.
    pub scope_claims: ScopeClaims,
}

/// Why the issuer cannot be used, or its keys could not be fetched.
#[derive(Debug, thiserror::Error)]
pub enum OidcError {
    /// The settings cannot be used.
    #[error("{0}")]
    Settings(String),
    /// It cannot be reached.
    #[error("{url} cannot be reached: {why}")]
    Unreachable {
        /// What was asked for.
        url: String,
        /// What went wrong.
        why: String,
    },
    /// It did not answer in time.
    #[error("it did not answer within {} s", FETCH_TIMEOUT.as_secs())]
    TimedOut,
    /// It answered with another status than 200.
    #[error("{url} answered {status}")]
    Status {
        /// What was asked for.
        url: String,
        /// The answer.
        status: StatusCode,
    },
    /// It redirects to another origin, or too often: following would let others replace the keys.
    #[error(
        "{url} redirects to {location:?}: at most {MAX_REDIRECTS} redirects within one origin are followed"
    )]
    Redirect {
        /// What was asked for.
        url: String,
        /// Where it points.
        location: String,
    },
    /// What it answered makes no sense.
    #[error("{url}: {why}")]
    Document {
        /// What was asked for.
        url: String,
        /// What is wrong with it.
        why: String,
    },
}

/// The issuer whose tokens are taken.
pub struct OidcIssuer {
    settings: OidcSettings,
    client: Client<HttpsConnector<HttpConnector>, Empty<Bytes>>,
}

#[derive(Deserialize)]
struct Discovery {
    issuer: String,
    jwks_uri: String,
}

#[derive(Deserialize)]
struct KeySet {
    // One by one: a key of a kind that is not known here must not hide the others.
    keys: Vec<serde_json::Value>,
}

impl OidcIssuer {
    /// An issuer that is asked for its keys later.
    ///
    /// # Errors
    /// When the settings cannot be used.
    pub fn new(settings: OidcSettings) -> Result<Self, OidcError> {
        check_url(&settings.issuer, settings.allow_plain_http)
            .and_then(|uri| match uri.query() {
                // OpenID Connect Discovery 1.0, section 3: an issuer has no query or fragment.
                Some(_) => Err("must not have a query"),
                None => Ok(()),
            })
            .map_err(|why| {
                OidcError::Settings(format!("the issuer {:?} {why}", settings.issuer))
            })?;
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_connect_timeout(Some(FETCH_TIMEOUT / 2));
        let connector = hyper_rustls::HttpsConnectorBuilder::new()
            .with_tls_config(tls_config(settings.ca_file.as_deref())?)
            .https_or_http()
            .enable_http1()
            .wrap_connector(tcp);
        // A connection kept from the last fetch, minutes ago, is more likely dead than useful.
        let client = Client::builder(TokioExecutor::new())
            .pool_max_idle_per_host(0)
            .build(connector);
        Ok(Self { settings, client })
    }

    /// Its name: the `iss` of its tokens.
    pub(super) fn name(&self) -> &str {
        &self.settings.issuer
    }

    /// What the claims of its tokens must say.
    pub(super) fn expected(&self) -> Expected {
        Expected {
            issuer: self.settings.issuer.as_str().into(),
            audience: self.settings.audience.as_str().into(),
            scope_claims: Arc::new(self.settings.scope_claims.clone()),
            is_own: false,
            client_prefix: "oidc:",
        }
    }

    /// Whether a token, which nobody has verified yet, claims to be from this issuer.
    pub(super) fn is_named_by(&self, token: &str) -> bool {
        #[derive(Deserialize)]
        struct Unverified {
            iss: String,
        }
        jsonwebtoken::dangerous::insecure_decode_claims::<Unverified>(token)
            .is_ok_and(|claims| claims.iss == self.settings.issuer)
    }

    /// The keys that its tokens are signed with.
    pub(super) async fn fetch(&self) -> Result<Vec<PublicKey>, OidcError> {
        tokio::time::timeout(FETCH_TIMEOUT, self.discover_and_fetch())
            .await
            .map_err(|_| OidcError::TimedOut)?
    }

    async fn discover_and_fetch(&self) -> Result<Vec<PublicKey>, OidcError> {
        let url = format!(
            "{}/.well-known/openid-configuration",
            self.settings.issuer.trim_end_matches('/')
        );
        let discovery: Discovery = self.get(&url).await?;
        let refused = |why: String| OidcError::Document {
            url: url.clone(),
            why,
        };
        if discovery.issuer != self.settings.issuer {
            return Err(refused(format!(
                "it names the issuer {:?}, the setting {:?}: they have to be the same",
                discovery.issuer, self.settings.issuer
            )));
        }
        check_url(&discovery.jwks_uri, self.settings.allow_plain_http)
            .map_err(|why| refused(format!("its jwks_uri {why}")))?;
        let set: KeySet = self.get(&discovery.jwks_uri).await?;
        let keys = set.keys.into_iter().map(verification_keys);
        let mut keys: Vec<_> = keys.filter(|key| !key.is_empty()).collect();
        if keys.len() > MAX_KEYS {
            tracing::warn!(
                issuer = self.name(),
                keys = keys.len(),
                "the OIDC issuer publishes more keys than are used: tokens signed by the last ones are rejected"
            );
            keys.truncate(MAX_KEYS);
        }
        if keys.is_empty() {
            let why =
                "it holds no key that can verify (RSA of 2048 bits or more, P-256, P-384, Ed25519)";
            return Err(OidcError::Document {
                url: discovery.jwks_uri,
                why: why.into(),
            });
        }
        Ok(keys.concat())
    }

    async fn get<T: serde::de::DeserializeOwned>(&self, url: &str) -> Result<T, OidcError> {
        let broken = |why: String| OidcError::Document {
            url: url.to_owned(),
            why,
        };
        let mut uri: Uri = url.parse().map_err(|_| broken("is not a URL".into()))?;
        for _ in 0..=MAX_REDIRECTS {
            let response = self.request(&uri).await?;
            let status = response.status();
            if status == StatusCode::OK {
                let body = Limited::new(response.into_body(), MAX_DOCUMENT_BYTES)
                    .collect()
                    .await
                    .map_err(|error| broken(error.to_string()))?;
                return serde_json::from_slice(&body.to_bytes())
                    .map_err(|error| broken(error.to_string()));
            }
            let location = response.headers().get(header::LOCATION);
            let Some(location) = location.filter(|_| status.is_redirection()) else {
                return Err(OidcError::Status {
                    url: uri.to_string(),
                    status,
                });
            };
            uri = same_origin(&uri, location).ok_or_else(|| redirected(url, location))?;
        }
        Err(redirected(url, uri.to_string().as_bytes()))
    }

    async fn request(&self, uri: &Uri) -> Result<Response<Incoming>, OidcError> {
        let mut request = Request::new(Empty::new());
        *request.uri_mut() = uri.clone();
        request.headers_mut().insert(
            header::ACCEPT,
            HeaderValue::from_static("application/json, application/jwk-set+json"),
        );
        let unreachable = |error| OidcError::Unreachable {
            url: uri.to_string(),
            why: with_causes(&error),
        };
        self.client.request(request).await.map_err(unreachable)
    }
}

fn redirected(url: &str, location: impl AsRef<[u8]>) -> OidcError {
    OidcError::Redirect {
        url: url.to_owned(),
        location: String::from_utf8_lossy(location.as_ref()).into_owned(),
    }
}

/// Where a redirect leads, when that is the same scheme, host and port.
fn same_origin(from: &Uri, location: &HeaderValue) -> Option<Uri> {
    let location = location.to_str().ok()?;
    if location.starts_with("//") {
        // RFC 3986, section 4.2: another authority, which `Uri` would take for a path.
        return None;
    }
    let to: Uri = location.parse().ok()?;
    let origin = |uri: &Uri| {
        let scheme = uri.scheme_str()?.to_owned();
        let port = match (uri.port_u16(), scheme.as_str()) {
            (Some(port), _) => port,
            (None, "http") => 80,
            (None, _) => 443,
        };
        Some((scheme, uri.host()?.to_ascii_lowercase(), port))
    };
    if to.authority().is_some() {
        return (origin(&to)? == origin(from)?).then_some(to);
    }
    let mut parts = from.clone().into_parts();
    parts.path_and_query = Some(to.into_parts().path_and_query?);
    Uri::from_parts(parts).ok()
}

/// The URL, when keys may be fetched from it; the error continues a sentence that begins with the URL.
fn check_url(url: &str, allow_plain_http: bool) -> Result<Uri, &'static str> {
    let uri: Uri = url.parse().map_err(|_| "is not a URL")?;
    let host = uri.host().ok_or("is not a URL with a host")?;
    match uri.scheme_str() {
        Some("https") => Ok(uri),
        Some("http") if allow_plain_http || is_this_host(host) => Ok(uri),
        Some("http") => Err(
            "is plain HTTP, over which others on the network can replace the keys: use https, or set --oidc-allow-plain-http",
        ),
        _ => Err("must begin with https://"),
    }
}

fn is_this_host(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || host
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

fn tls_config(ca_file: Option<&Path>) -> Result<ClientConfig, OidcError> {
    let mut roots = RootCertStore::empty();
    match ca_file {
        Some(path) => {
            let unusable = |why: String| {
                OidcError::Settings(format!("the issuer's CA file {}: {why}", path.display()))
            };
            for certificate in
                CertificateDer::pem_file_iter(path).map_err(|error| unusable(error.to_string()))?
            {
                let certificate = certificate.map_err(|error| unusable(error.to_string()))?;
                roots
                    .add(certificate)
                    .map_err(|error| unusable(error.to_string()))?;
            }
            if roots.is_empty() {
                return Err(unusable("it holds no certificate in PEM".into()));
            }
        }
        None => roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| OidcError::Settings(error.to_string()))?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{check_url, same_origin};
    use http::HeaderValue;

    #[test]
    fn plain_http_is_for_this_host_or_allowed_by_a_setting() {
        for good in [
            "https://login.example.com/tenant",
            "https://login.example.com/keys?p=sign_in",
            "http://127.0.0.1:9000",
            "http://localhost/x",
            "http://[::1]:1",
        ] {
            assert!(check_url(good, false).is_ok(), "{good}");
        }
        for bad in [
            "http://login.example.com",
            "http://localhost.example.com",
            "ftp://x",
            "login.example.com",
            "",
        ] {
            assert!(check_url(bad, false).is_err(), "{bad}");
        }
        assert!(check_url("http://login.example.com", true).is_ok());
    }

    #[test]
    fn a_redirect_stays_within_its_origin() {
        let from = "https://login.example.com/keys".parse().unwrap();
        let to = |location| {
            same_origin(&from, &HeaderValue::from_static(location)).map(|uri| uri.to_string())
        };
        let new = Some("https://login.example.com/new?v=2".to_owned());
        assert_eq!(to("/new?v=2"), new);
        assert_eq!(to("https://login.example.com/new?v=2"), new);
        assert!(to("https://LOGIN.example.com:443/new").is_some());
        for other in [
            "http://login.example.com/new",
            "https://login.example.com:8443/new",
            "https://login.example.com.example.net/new",
            "//example.net/new",
            "https://example.net/keys",
        ] {
            assert_eq!(to(other), None, "{other}");
        }
    }
}
