//! An authority for tests, certificates by it, and clients that trust it.

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// An authority and the files that a server reads.
pub(crate) struct Certificates {
    issuer: Issuer<'static, KeyPair>,
    pub(crate) authority_pem: String,
    pub(crate) folder: TempDir,
}

impl Certificates {
    /// An authority, and a first certificate in place.
    pub(crate) fn new() -> Self {
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::new(Vec::new()).expect("parameters");
        params
            .distinguished_name
            .push(DnType::CommonName, "An authority for tests");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority_pem = params.self_signed(&key).expect("an authority").pem();
        let issuer = Issuer::new(params, key);
        let certificates = Self {
            issuer,
            authority_pem,
            folder: tempfile::tempdir().expect("a folder"),
        };
        certificates.renew();
        certificates
    }

    /// A certificate for localhost, and its key.
    pub(crate) fn pair(&self) -> (String, String) {
        let key = KeyPair::generate().expect("a key");
        let params = CertificateParams::new(vec!["localhost".into()]).expect("parameters");
        (
            params
                .signed_by(&key, &self.issuer)
                .expect("a certificate")
                .pem(),
            key.serialize_pem(),
        )
    }

    /// Puts a new certificate in place, one file after the other.
    pub(crate) fn renew(&self) {
        let (certificate, key) = self.pair();
        write(&self.certificate(), &certificate);
        write(&self.key(), &key);
    }

    pub(crate) fn certificate(&self) -> PathBuf {
        self.folder.path().join("tls.crt")
    }

    pub(crate) fn key(&self) -> PathBuf {
        self.folder.path().join("tls.key")
    }

    /// The flags that serve it.
    pub(crate) fn flags(&self) -> Vec<String> {
        let path = |path: PathBuf| path.to_str().expect("UTF-8").to_owned();
        vec![
            "--tls-cert".into(),
            path(self.certificate()),
            "--tls-key".into(),
            path(self.key()),
        ]
    }

    /// A client that trusts the authority and offers these protocols.
    pub(crate) fn connector(&self, protocols: &[&[u8]]) -> TlsConnector {
        let mut roots = RootCertStore::empty();
        let authority = CertificateDer::from_pem_slice(self.authority_pem.as_bytes()).expect("PEM");
        roots.add(authority).expect("an authority");
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions");
        let mut config = builder.with_root_certificates(roots).with_no_client_auth();
        config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
        // Every connection is a full handshake, which shows the certificate of the moment.
        config.resumption = rustls::client::Resumption::disabled();
        TlsConnector::from(Arc::new(config))
    }
}

/// A connection to a server that has to be `localhost`.
pub(crate) async fn connect(
    connector: &TlsConnector,
    address: SocketAddr,
) -> std::io::Result<TlsStream<TcpStream>> {
    let name = ServerName::try_from("localhost").expect("a name");
    connector
        .connect(name, TcpStream::connect(address).await?)
        .await
}

pub(crate) fn write(path: &Path, text: &str) {
    std::fs::write(path, text).expect("is written");
}
