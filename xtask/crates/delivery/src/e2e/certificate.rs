//! Certificates as clients see them, and renewal by cert-manager on demand.

use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use serde_json::json;

use super::load::Target;
use crate::cluster::kubectl::Cluster;

const TIMEOUT: Duration = Duration::from_secs(10);

/// The certificate presented to a new connection, verified with the target's CA; DER.
pub(crate) fn presented(target: &Target) -> Result<Vec<u8>> {
    let pem = target
        .authority
        .as_deref()
        .context("no CA certificate is set")?;
    let mut roots = rustls::RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        roots.add(certificate?)?;
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let host = host(&target.url).context("the target has no host")?;
    let name = ServerName::try_from(host.to_owned())?;
    let mut connection = rustls::ClientConnection::new(Arc::new(config), name)?;
    let mut socket = TcpStream::connect_timeout(&target.address, TIMEOUT)?;
    socket.set_read_timeout(Some(TIMEOUT))?;
    while connection.is_handshaking() {
        connection.complete_io(&mut socket)?;
    }
    let certificate = connection.peer_certificates().and_then(<[_]>::first);
    Ok(certificate
        .context("no certificate was presented")?
        .to_vec())
}

/// Makes cert-manager renew the certificate, as `cmctl renew` does.
pub(crate) fn renew(cluster: &Cluster, name: &str) -> Result<()> {
    let certificate = cluster.get(&["certificate", name])?;
    let mut conditions = certificate["status"]["conditions"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    conditions.retain(|condition| condition["type"] != "Issuing");
    conditions.push(json!({
        "type": "Issuing",
        "status": "True",
        "reason": "ManuallyTriggered",
        "message": "renewed by cargo xtask e2e",
        "observedGeneration": certificate["metadata"]["generation"],
    }));
    let patch = json!({"status": {"conditions": conditions}}).to_string();
    cluster
        .kubectl()
        .args([
            "patch",
            "certificate",
            name,
            "--subresource=status",
            "--type=merge",
        ])
        .args(["--patch", &patch])
        .quiet()
        .output()
        .map(drop)
}

/// `https://host:port/…`: the host.
fn host(url: &str) -> Option<&str> {
    let (_, rest) = url.split_once("://")?;
    rest.split(['/', ':']).next()
}

#[cfg(test)]
mod tests {
    use super::host;

    #[test]
    fn the_host_has_no_port_and_no_path() {
        assert_eq!(
            host("https://roster.roster.svc:443"),
            Some("roster.roster.svc")
        );
        assert_eq!(
            host("https://service.example.com/v1"),
            Some("service.example.com")
        );
    }
}
