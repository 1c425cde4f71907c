//! The image's only layer: the binary and the root certificates.
//!
//! Reproducible: order, owners, modes and times are fixed, and nothing is read from the machine.

use std::io::{Read as _, Write as _};

use anyhow::Result;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::{Compression, GzBuilder};

/// The path of the root certificates in the image; also in `SSL_CERT_FILE`.
pub(crate) const CERTIFICATES: &str = "/etc/ssl/certs/ca-certificates.crt";

/// A layer, uncompressed and compressed.
pub(crate) struct Layer {
    /// Digest of the uncompressed archive: the `diff_id` in the image's configuration.
    pub(crate) diff_id: String,
    /// The compressed archive.
    pub(crate) gzip: Vec<u8>,
    /// The uncompressed archive, for `docker load`.
    pub(crate) archive: Vec<u8>,
}

/// Packs the binary as `/roster`. `created` is the commit's time, in seconds since 1970.
pub(crate) fn pack(binary: &[u8], created: u64) -> Result<Layer> {
    let mut archive = tar::Builder::new(Vec::new());
    for folder in ["etc/", "etc/ssl/", "etc/ssl/certs/"] {
        append(&mut archive, folder, 0o755, created, &[])?;
    }
    append(
        &mut archive,
        CERTIFICATES.trim_start_matches('/'),
        0o644,
        created,
        authorities().as_bytes(),
    )?;
    append(&mut archive, "roster", 0o755, created, binary)?;
    let archive = archive.into_inner()?;

    let mut gzip = GzBuilder::new()
        .mtime(0)
        .write(Vec::new(), Compression::best());
    gzip.write_all(&archive)?;
    Ok(Layer {
        diff_id: super::digest(&archive),
        gzip: gzip.finish()?,
        archive,
    })
}

/// The binary in the compressed layer, as a container engine unpacks it.
pub(crate) fn unpack(layer: &Layer) -> Result<Vec<u8>> {
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(layer.gzip.as_slice()));
    for entry in archive.entries()? {
        let mut entry = entry?;
        if entry.path()?.as_os_str() == "roster" {
            let mut binary = Vec::new();
            entry.read_to_end(&mut binary)?;
            return Ok(binary);
        }
    }
    anyhow::bail!("the layer holds no binary")
}

fn append(
    archive: &mut tar::Builder<Vec<u8>>,
    path: &str,
    mode: u32,
    created: u64,
    content: &[u8],
) -> Result<()> {
    let mut header = tar::Header::new_ustar();
    header.set_entry_type(if path.ends_with('/') {
        tar::EntryType::Directory
    } else {
        tar::EntryType::Regular
    });
    header.set_path(path)?;
    header.set_mode(mode);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(created);
    header.set_size(content.len() as u64);
    header.set_cksum();
    Ok(archive.append(&header, content)?)
}

/// Mozilla's root certificates as PEM, from a locked dependency, not from the build machine.
fn authorities() -> String {
    let mut pem = String::new();
    for certificate in webpki_root_certs::TLS_SERVER_ROOT_CERTS {
        pem.push_str("-----BEGIN CERTIFICATE-----\n");
        let text = STANDARD.encode(certificate.as_ref());
        for line in text.as_bytes().chunks(64) {
            pem.push_str(&String::from_utf8_lossy(line));
            pem.push('\n');
        }
        pem.push_str("-----END CERTIFICATE-----\n");
    }
    pem
}

#[cfg(test)]
mod tests {
    use super::pack;

    #[test]
    fn the_same_binary_and_commit_give_the_same_bytes() {
        let (one, two) = (
            pack(b"\x7fELF", 1_700_000_000),
            pack(b"\x7fELF", 1_700_000_000),
        );
        assert_eq!(one.expect("packs").gzip, two.expect("packs").gzip);
    }

    #[test]
    fn the_layer_holds_the_binary_and_the_authorities_and_nothing_else() {
        let layer = pack(b"\x7fELF", 1).expect("packs");
        let mut archive = tar::Archive::new(layer.archive.as_slice());
        let files: Vec<(String, u32)> = archive
            .entries()
            .expect("is an archive")
            .map(|entry| {
                let entry = entry.expect("is an entry");
                let path = entry.path().expect("has a path").display().to_string();
                (path, entry.header().mode().expect("has a mode"))
            })
            .filter(|(path, _)| !path.ends_with('/'))
            .collect();
        let expected = [
            ("etc/ssl/certs/ca-certificates.crt".to_owned(), 0o644),
            ("roster".to_owned(), 0o755),
        ];
        assert_eq!(files, expected);
    }
}
