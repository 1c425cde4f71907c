//! HTTPS: the certificate and its key, reloaded when their files change, without dropping a connection.
//!
//! A pair that cannot be used leaves the current one in place and is logged once.

use crate::metrics::Metrics;
use arc_swap::ArcSwap;
use aws_lc_rs::digest::{Digest, SHA256, digest};
use rustls::ServerConfig;
use rustls::crypto::CryptoProvider;
use rustls::crypto::aws_lc_rs::{Ticketer, default_provider};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use x509_parser::prelude::{FromDer, X509Certificate};

/// How often the files are checked.
const WATCH_INTERVAL: Duration = Duration::from_secs(2);
/// Maximum duration of a handshake.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// The files of the certificate and its key.
#[derive(Clone, Debug)]
pub struct TlsFiles {
    /// The certificate and its intermediates, in PEM.
    pub certificate: PathBuf,
    /// Its private key, in PEM.
    pub key: PathBuf,
}

/// Why a certificate and its key cannot be used; the display is for the person who configured them.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("cannot read {path}: {why}")]
    File {
        /// The file.
        path: String,
        /// What is wrong with it.
        why: String,
    },
    /// They do not belong together, or are of an unsupported kind.
    #[error("cannot use {certificate} and {key}: {why}")]
    Pair {
        /// The file with the certificate.
        certificate: String,
        /// The file with the key.
        key: String,
        /// What is wrong with them.
        why: String,
    },
    /// The library cannot be set up.
    #[error("TLS cannot be set up: {0}")]
    Library(#[from] rustls::Error),
}

/// A certificate with its key, and when it expires.
struct Pair {
    key: Arc<CertifiedKey>,
    /// Unix time.
    not_after: i64,
}

/// Resolves to the current certificate.
#[derive(Debug)]
struct Current(ArcSwap<CertifiedKey>);

impl ResolvesServerCert for Current {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.load_full())
    }
}

/// A TLS acceptor whose certificate can change while it serves.
pub struct Tls {
    acceptor: TlsAcceptor,
    current: Arc<Current>,
    files: TlsFiles,
    provider: Arc<CryptoProvider>,
    /// Fingerprint of the files when they were last loaded.
    tried: Mutex<[u8; 32]>,
    metrics: Arc<Metrics>,
}

impl Tls {
    /// Reads the files.
    ///
    /// # Errors
    /// When they cannot be used.
    pub fn load(files: TlsFiles, metrics: Arc<Metrics>) -> Result<Arc<Self>, TlsError> {
        let provider = Arc::new(default_provider());
        let contents = Contents::read(&files)?;
        let pair = contents.pair(&files, &provider)?;
        if pair.not_after < unix_now() {
            tracing::warn!(certificate = %files.certificate.display(), "the certificate has expired: clients will reject it");
        }
        metrics.set_certificate_not_after(pair.not_after);
        let current = Arc::new(Current(ArcSwap::new(pair.key)));
        let mut config = ServerConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_cert_resolver(current.clone());
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        config.ticketer = Ticketer::new()?;
        Ok(Arc::new(Self {
            acceptor: TlsAcceptor::from(Arc::new(config)),
            current,
            files,
            provider,
            tried: Mutex::new(contents.fingerprint),
            metrics,
        }))
    }

    /// Checks the files periodically until this is dropped.
    pub fn start_watching(self: &Arc<Self>) {
        let watched = Arc::downgrade(self);
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(WATCH_INTERVAL).await;
                let Some(tls) = watched.upgrade() else { return };
                // Reading files may block; connections must not notice.
                let _ = tokio::task::spawn_blocking(move || tls.reload()).await;
            }
        });
    }

    /// Loads the files if they have changed and can be used.
    pub fn reload(&self) {
        let mut tried = self.tried.lock().unwrap_or_else(PoisonError::into_inner);
        let contents = match Contents::read(&self.files) {
            Ok(contents) if contents.fingerprint == *tried => return,
            Ok(contents) => contents,
            // During a renewal a file may be missing for a moment; logged once, until it is back.
            Err(error) if *tried == [0; 32] => return drop(error),
            Err(error) => {
                *tried = [0; 32];
                return tracing::error!(error = %error, "cannot reload the certificate; the current one stays");
            }
        };
        *tried = contents.fingerprint;
        let served_ends = end_of(&self.current.0.load()).unwrap_or(0);
        match contents.pair(&self.files, &self.provider) {
            Ok(pair) if pair.not_after < unix_now() && served_ends > pair.not_after => {
                tracing::error!(
                    not_after = pair.not_after,
                    "the new certificate has expired; the current one stays"
                );
            }
            Ok(pair) => {
                self.current.0.store(pair.key);
                self.metrics.set_certificate_not_after(pair.not_after);
                tracing::info!(not_after = pair.not_after, "loaded a new certificate");
            }
            Err(error) => {
                tracing::error!(error = %error, "cannot use the new certificate; the current one stays");
            }
        }
    }

    /// The handshake with a client; `None` when it fails or takes too long.
    pub(super) async fn accept(&self, stream: TcpStream) -> Option<TlsStream<TcpStream>> {
        let handshake = tokio::time::timeout(HANDSHAKE_TIMEOUT, self.acceptor.accept(stream)).await;
        match handshake {
            Ok(Ok(stream)) => Some(stream),
            Ok(Err(error)) => {
                tracing::debug!(error = %error, "a TLS handshake failed");
                None
            }
            Err(_) => None,
        }
    }
}

/// The contents of the files at one moment.
struct Contents {
    certificate: Vec<u8>,
    key: Vec<u8>,
    fingerprint: [u8; 32],
}

impl Contents {
    fn read(files: &TlsFiles) -> Result<Self, TlsError> {
        let read = |path: &PathBuf| {
            std::fs::read(path).map_err(|error| TlsError::File {
                path: path.display().to_string(),
                why: error.to_string(),
            })
        };
        let (certificate, key) = (read(&files.certificate)?, read(&files.key)?);
        let fingerprint: Digest = digest(
            &SHA256,
            &[
                digest(&SHA256, &certificate).as_ref(),
                digest(&SHA256, &key).as_ref(),
            ]
            .concat(),
        );
        let fingerprint = fingerprint.as_ref().try_into().unwrap_or([1; 32]);
        Ok(Self {
            certificate,
            key,
            fingerprint,
        })
    }

    fn pair(&self, files: &TlsFiles, provider: &CryptoProvider) -> Result<Pair, TlsError> {
        let refused = |why: String| TlsError::Pair {
            certificate: files.certificate.display().to_string(),
            key: files.key.display().to_string(),
            why,
        };
        let chain: Vec<_> = CertificateDer::pem_slice_iter(&self.certificate)
            .collect::<Result<_, _>>()
            .map_err(|error| refused(format!("the certificate is not valid PEM: {error}")))?;
        if chain.is_empty() {
            return Err(refused("the first file contains no certificate".into()));
        }
        let key = PrivateKeyDer::from_pem_slice(&self.key).map_err(|error| {
            refused(format!("the second file contains no private key: {error}"))
        })?;
        // Fails also when the key is not that of the certificate.
        let key = CertifiedKey::from_der(chain, key, provider)
            .map_err(|error| refused(error.to_string()))?;
        let not_after =
            end_of(&key).ok_or_else(|| refused("the certificate cannot be read".into()))?;
        Ok(Pair {
            key: Arc::new(key),
            not_after,
        })
    }
}

fn end_of(key: &CertifiedKey) -> Option<i64> {
    let (_, certificate) = X509Certificate::from_der(key.end_entity_cert().ok()?).ok()?;
    Some(certificate.validity().not_after.timestamp())
}

fn unix_now() -> i64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}
