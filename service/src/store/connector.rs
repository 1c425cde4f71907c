//! Makes connections to `PostgreSQL`: their parameters, their TLS, and a password that can change while the service runs.

use super::database_url::{DatabaseUrl, TlsMode};
use super::pool::PoolSettings;
use super::sql_error::StoreError;
use arc_swap::ArcSwap;
use deadpool_postgres::Connect;
use futures_util::future::BoxFuture;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme,
};
use std::cell::Cell;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio_postgres::{Client, Config, Connection, Socket};
use tokio_postgres_rustls::MakeRustlsConnect;

type TlsStream = <MakeRustlsConnect as tokio_postgres::tls::MakeTlsConnect<Socket>>::Stream;

thread_local! {
    /// How many connections this thread has made, and so drives.
    static MADE: Cell<u64> = const { Cell::new(0) };
}

/// How many connections of pools the calling thread has made.
pub(super) fn made_on_this_thread() -> u64 {
    MADE.get()
}

/// Makes connections; clones share the password.
#[derive(Clone)]
pub(super) struct Connector {
    config: Arc<ArcSwap<Config>>,
    tls: MakeRustlsConnect,
}

impl Connector {
    pub(super) fn new(settings: &PoolSettings) -> Result<Self, StoreError> {
        let limits = settings.limits;
        let mut config = settings.url.config().clone();
        // No statement here is meant to read a whole table or to be compiled; where PostgreSQL guesses wrong how much one
        // finds, or guessed while the table was small, it would do both.
        config
            .application_name("roster")
            .connect_timeout(limits.connect_timeout)
            .tcp_user_timeout(limits.store_timeout)
            .keepalives_idle(Duration::from_secs(30))
            .options(format!(
                "-c statement_timeout={} -c lock_timeout={} -c idle_in_transaction_session_timeout={} -c synchronous_commit=on -c enable_seqscan=off -c jit=off",
                limits.statement_timeout.as_millis(),
                limits.lock_timeout.as_millis(),
                limits.store_timeout.as_millis() * 2,
            ));
        let tls = MakeRustlsConnect::new(tls_config(&settings.url, settings.ca_file.as_deref())?);
        Ok(Self {
            config: Arc::new(ArcSwap::from_pointee(config)),
            tls,
        })
    }

    /// Uses `password` for every connection from now on.
    pub(super) fn set_password(&self, password: &str) {
        let mut config = Config::clone(&self.config.load());
        config.password(password);
        self.config.store(Arc::new(config));
    }

    /// A new connection; the second part has to be polled for the first to work.
    pub(super) async fn open(
        &self,
    ) -> Result<(Client, Connection<Socket, TlsStream>), tokio_postgres::Error> {
        let config = self.config.load_full();
        config.connect(self.tls.clone()).await
    }
}

impl Connect for Connector {
    fn connect(
        &self,
        _: &Config,
    ) -> BoxFuture<'_, Result<(Client, JoinHandle<()>), tokio_postgres::Error>> {
        Box::pin(async move {
            let (client, connection) = self.open().await?;
            MADE.set(MADE.get() + 1);
            let task = tokio::spawn(async move {
                if let Err(error) = connection.await {
                    tracing::warn!(error = %error, "a connection to PostgreSQL broke");
                }
            });
            Ok((client, task))
        })
    }
}

fn tls_config(url: &DatabaseUrl, ca_file: Option<&Path>) -> Result<ClientConfig, StoreError> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(|error| StoreError::Tls(error.to_string()))?;
    if matches!(
        url.tls_mode(),
        TlsMode::Disable | TlsMode::Prefer | TlsMode::Require
    ) {
        return Ok(builder
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Unverified(provider)))
            .with_no_client_auth());
    }
    let mut roots = RootCertStore::empty();
    match ca_file.or(url.ca_file()) {
        Some(path) => {
            let unusable = |what: String| StoreError::Tls(format!("{}: {what}", path.display()));
            for certificate in
                CertificateDer::pem_file_iter(path).map_err(|e| unusable(e.to_string()))?
            {
                let certificate = certificate.map_err(|e| unusable(e.to_string()))?;
                roots
                    .add(certificate)
                    .map_err(|e| unusable(e.to_string()))?;
            }
            if roots.is_empty() {
                return Err(unusable("holds no certificate in PEM".into()));
            }
        }
        None => roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
    }
    if url.tls_mode() == TlsMode::VerifyFull {
        return Ok(builder.with_root_certificates(roots).with_no_client_auth());
    }
    let chain = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider)
        .build()
        .map_err(|error| StoreError::Tls(error.to_string()))?;
    Ok(builder
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(ChainOnly(chain)))
        .with_no_client_auth())
}

/// `sslmode=require`: encrypts, and takes any certificate, as libpq does.
#[derive(Debug)]
struct Unverified(Arc<CryptoProvider>);

impl ServerCertVerifier for Unverified {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(
            message,
            cert,
            dss,
            &self.0.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(
            message,
            cert,
            dss,
            &self.0.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

/// `sslmode=verify-ca`: the authority has to be right, the name need not be.
#[derive(Debug)]
struct ChainOnly(Arc<WebPkiServerVerifier>);

impl ServerCertVerifier for ChainOnly {
    fn verify_server_cert(
        &self,
        cert: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        match self
            .0
            .verify_server_cert(cert, intermediates, name, ocsp, now)
        {
            Err(rustls::Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) => Ok(ServerCertVerified::assertion()),
            verdict => verdict,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.0.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.0.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_verify_schemes()
    }
}
