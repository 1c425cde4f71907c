//! The OIDC issuer whose tokens are taken: finds its keys by discovery and fetches them.
//!
//! Follows no redirect, reads no more than it needs, waits no longer than it must. When to fetch
//! and how long keys are kept is not decided here.

use super::signing_keys::PublicKey;
use bytes::Bytes;
use http::{HeaderValue, Request, StatusCode, Uri, header};
use http_body_util::{BodyExt, Empty, Limited};
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use jsonwebtoken::jwk::{
    AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, KeyOperations, PublicKeyUse,
};
use jsonwebtoken::{Algorithm, DecodingKey};
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
/// More keys than this are not looked at.
const MAX_KEYS: usize = 64;

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
    #[error("{url} answered {status}{}", if status.is_redirection() { "; redirects are not followed" } else { "" })]
    Status {
        /// What was asked for.
        url: String,
        /// The answer.
        status: StatusCode,
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
        check_url(&settings.issuer, settings.allow_plain_http).map_err(|why| {
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

    /// The `aud` that its tokens must have.
    pub(super) fn audience(&self) -> &str {
        &self.settings.audience
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
        let keys: Vec<_> = set
            .keys
            .into_iter()
            .take(MAX_KEYS)
            .filter_map(usable_key)
            .collect();
        if keys.is_empty() {
            let why =
                "it holds no key that can verify (RSA of 2048 bits or more, P-256, P-384, Ed25519)"
                    .into();
            return Err(OidcError::Document {
                url: discovery.jwks_uri,
                why,
            });
        }
        Ok(keys)
    }

    async fn get<T: serde::de::DeserializeOwned>(&self, url: &str) -> Result<T, OidcError> {
        let broken = |why: String| OidcError::Document {
            url: url.to_owned(),
            why,
        };
        let uri: Uri = url.parse().map_err(|_| broken("it is no URL".into()))?;
        let mut request = Request::new(Empty::new());
        *request.uri_mut() = uri;
        request.headers_mut().insert(
            header::ACCEPT,
            HeaderValue::from_static("application/json, application/jwk-set+json"),
        );
        let response =
            self.client
                .request(request)
                .await
                .map_err(|error| OidcError::Unreachable {
                    url: url.to_owned(),
                    why: with_causes(&error),
                })?;
        if response.status() != StatusCode::OK {
            return Err(OidcError::Status {
                url: url.to_owned(),
                status: response.status(),
            });
        }
        let body = Limited::new(response.into_body(), MAX_DOCUMENT_BYTES)
            .collect()
            .await
            .map_err(|error| broken(error.to_string()))?;
        serde_json::from_slice(&body.to_bytes()).map_err(|error| broken(error.to_string()))
    }
}

/// Whether keys may be fetched from this URL; the error continues a sentence that begins with the URL.
fn check_url(url: &str, allow_plain_http: bool) -> Result<(), &'static str> {
    let uri: Uri = url.parse().map_err(|_| "is no URL")?;
    let host = uri.host().ok_or("is no URL with a host")?;
    if uri.query().is_some() {
        return Err("must not have a query");
    }
    match uri.scheme_str() {
        Some("https") => Ok(()),
        Some("http") if allow_plain_http || is_this_host(host) => Ok(()),
        Some("http") => Err(
            "is plain HTTP, over which anybody on the way can replace the keys: use https, or allow it by name",
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

/// The key, when it is one that verifies signatures in a way that is known here.
fn usable_key(value: serde_json::Value) -> Option<PublicKey> {
    let jwk: Jwk = serde_json::from_value(value).ok()?;
    let for_signatures = jwk
        .common
        .public_key_use
        .as_ref()
        .is_none_or(|used| *used == PublicKeyUse::Signature);
    let verifies = jwk
        .common
        .key_operations
        .as_ref()
        .is_none_or(|operations| operations.contains(&KeyOperations::Verify));
    if !for_signatures || !verifies {
        return None;
    }
    let algorithm = match (&jwk.algorithm, jwk.common.key_algorithm) {
        // The one that issuers mean when they do not say.
        (AlgorithmParameters::RSA(_), None) => Algorithm::RS256,
        (AlgorithmParameters::RSA(_), Some(named)) => rsa_algorithm(named)?,
        (AlgorithmParameters::EllipticCurve(key), None | Some(KeyAlgorithm::ES256))
            if key.curve == EllipticCurve::P256 =>
        {
            Algorithm::ES256
        }
        (AlgorithmParameters::EllipticCurve(key), None | Some(KeyAlgorithm::ES384))
            if key.curve == EllipticCurve::P384 =>
        {
            Algorithm::ES384
        }
        (AlgorithmParameters::OctetKeyPair(key), None | Some(KeyAlgorithm::EdDSA))
            if key.curve == EllipticCurve::Ed25519 =>
        {
            Algorithm::EdDSA
        }
        // Everything else, and above all a symmetric key, which whoever verifies could also sign with.
        _ => return None,
    };
    let key = DecodingKey::from_jwk(&jwk).ok()?;
    Some(PublicKey {
        id: jwk.common.key_id,
        algorithm,
        key,
    })
}

fn rsa_algorithm(named: KeyAlgorithm) -> Option<Algorithm> {
    match named {
        KeyAlgorithm::RS256 => Some(Algorithm::RS256),
        KeyAlgorithm::RS384 => Some(Algorithm::RS384),
        KeyAlgorithm::RS512 => Some(Algorithm::RS512),
        KeyAlgorithm::PS256 => Some(Algorithm::PS256),
        KeyAlgorithm::PS384 => Some(Algorithm::PS384),
        KeyAlgorithm::PS512 => Some(Algorithm::PS512),
        _ => None,
    }
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
    use super::{check_url, usable_key};
    use jsonwebtoken::Algorithm;
    use serde_json::json;

    #[test]
    fn plain_http_is_for_this_host_or_asked_for_by_name() {
        for good in [
            "https://login.example.com/tenant",
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
            "https://x/?a=b",
        ] {
            assert!(check_url(bad, false).is_err(), "{bad}");
        }
        assert!(check_url("http://login.example.com", true).is_ok());
    }

    #[test]
    fn only_keys_that_verify_signatures_are_used() {
        let p256 = json!({"kty":"EC","crv":"P-256","kid":"a","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"});
        let with = |changes: serde_json::Value| {
            let mut key = p256.clone();
            for (name, value) in changes.as_object().unwrap() {
                key[name] = value.clone();
            }
            usable_key(key)
        };
        assert_eq!(
            with(json!({})).map(|key| key.algorithm),
            Some(Algorithm::ES256)
        );
        assert!(with(json!({"use": "sig", "alg": "ES256"})).is_some());
        assert!(with(json!({"use": "enc"})).is_none());
        assert!(with(json!({"key_ops": ["sign"]})).is_none());
        assert!(with(json!({"alg": "HS256"})).is_none());
        assert!(with(json!({"alg": "ES384"})).is_none());
        assert!(usable_key(json!({"kty":"oct","k":"c2VjcmV0","alg":"HS256","kid":"a"})).is_none());
        assert!(usable_key(json!({"kty":"EC","crv":"secp256k1","x":"AA","y":"AA"})).is_none());
        assert!(usable_key(json!("nonsense")).is_none());
    }
}
