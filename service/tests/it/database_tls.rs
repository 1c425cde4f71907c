//! Whose certificate is taken of a database, by `sslmode` and the authorities that are given.

use crate::certificates::Certificates;
use crate::spawned::roster;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// A server that agrees to TLS, shows a certificate of this authority, and hangs up after the first message that comes.
/// Counts the clients that took the certificate.
async fn server(certificates: &Certificates) -> (u16, Arc<AtomicUsize>) {
    let chain = CertificateDer::from_pem_file(certificates.certificate()).unwrap();
    let key = PrivateKeyDer::from_pem_file(certificates.key()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(
        rustls::crypto::aws_lc_rs::default_provider(),
    ))
    .with_safe_default_protocol_versions()
    .unwrap()
    .with_no_client_auth()
    .with_single_cert(vec![chain], key)
    .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let trusted = Arc::new(AtomicUsize::new(0));
    let counted = trusted.clone();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let (acceptor, counted) = (acceptor.clone(), counted.clone());
            tokio::spawn(async move {
                let mut request = [0; 8];
                stream.read_exact(&mut request).await?;
                stream.write_all(b"S").await?;
                let mut stream = acceptor.accept(stream).await?;
                // In TLS 1.3 the server is done before the client has looked at the certificate.
                if stream.read(&mut request).await? > 0 {
                    counted.fetch_add(1, Ordering::SeqCst);
                }
                std::io::Result::Ok(())
            });
        }
    });
    (port, trusted)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_root_certificate_is_used_with_every_mode_that_takes_one() {
    let (right, wrong) = (Certificates::new(), Certificates::new());
    let (port, trusted) = server(&right).await;
    let file = |name: &str, of: &Certificates| -> PathBuf {
        let path = right.folder.path().join(name);
        std::fs::write(&path, &of.authority_pem).unwrap();
        path
    };
    let (right_ca, wrong_ca) = (file("right.pem", &right), file("wrong.pem", &wrong));
    for (host, mode, authority, is_taken) in [
        ("localhost", "require", None, true),
        ("localhost", "require", Some(&wrong_ca), false),
        ("localhost", "require", Some(&right_ca), true),
        // The certificate is for localhost: the chain is enough for these two, and not for the third.
        ("127.0.0.1", "require", Some(&right_ca), true),
        ("127.0.0.1", "verify-ca", Some(&right_ca), true),
        ("127.0.0.1", "verify-full", Some(&right_ca), false),
        ("localhost", "verify-full", Some(&right_ca), true),
        ("localhost", "verify-full", None, false),
    ] {
        let case = format!("{host} {mode} {authority:?}");
        for by_flag in [false, true] {
            let before = trusted.load(Ordering::SeqCst);
            let mut url = format!("postgresql://u@{host}:{port}/d?sslmode={mode}");
            let mut command = roster();
            command.args(["migrate", "--connect-timeout-ms=30000"]);
            if let Some(authority) = authority {
                let path = authority.to_str().unwrap();
                if by_flag {
                    command.args(["--database-ca-file", path]);
                } else {
                    url.push_str("&sslrootcert=");
                    url.push_str(path);
                }
            }
            let output = command.env("ROSTER_DATABASE_URL", url).output().unwrap();
            let words = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(3), "{case}: {words}");
            let is_refused = words.contains("invalid peer certificate");
            assert_eq!(is_refused, !is_taken, "{case}: {words}");
            let now_trusted = trusted.load(Ordering::SeqCst) - before;
            assert_eq!(now_trusted > 0, is_taken, "{case}: {words}");
        }
    }
}

#[test]
fn a_remote_database_whose_certificate_is_not_verified_is_warned_about_at_start() {
    // An address for documentation: nobody is there.
    for (mode, is_warned) in [("require", true), ("verify-full", false)] {
        let output = roster()
            .args([
                "serve",
                "--auth=disabled",
                "--log-format=json",
                "--connect-timeout-ms=100",
            ])
            .args(["--listen=127.0.0.1:0", "--admin-listen=127.0.0.1:0"])
            .env(
                "ROSTER_DATABASE_URL",
                format!("postgresql://u:s3cret@192.0.2.1/d?sslmode={mode}\n"),
            )
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(3), "{output:?}");
        let log = String::from_utf8_lossy(&output.stdout);
        let is_said = log.contains("certificate is not verified") && log.contains("192.0.2.1:5432");
        assert_eq!(is_said, is_warned, "{mode}: {log}");
        assert!(!log.contains("s3cret"), "{log}");
    }
}
