//! Secrets that nobody needs to choose: a key that signs tokens, and a client.

use anyhow::Result;
use aws_lc_rs::rand;
use aws_lc_rs::signature::Ed25519KeyPair;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::fmt::Write as _;

/// A private Ed25519 key as PKCS#8 in PEM, as `roster token keygen` makes one.
pub(super) fn signing_key() -> Result<String> {
    let failed = |_| anyhow::anyhow!("the system provides no random numbers");
    let pair = Ed25519KeyPair::generate().map_err(failed)?;
    let der = pair.to_pkcs8v1().map_err(failed)?;
    Ok(format!(
        "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n",
        STANDARD.encode(der.as_ref())
    ))
}

/// This many random bytes, in hexadecimal digits.
pub(super) fn random(bytes: usize) -> Result<String> {
    let mut random = vec![0; bytes];
    rand::fill(&mut random)
        .map_err(|_| anyhow::anyhow!("the system provides no random numbers"))?;
    let mut text = String::new();
    for byte in random {
        let _ = write!(text, "{byte:02x}");
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::{random, signing_key};

    #[test]
    fn a_key_is_pkcs8_in_pem_and_no_two_are_alike() {
        let (one, other) = (
            signing_key().expect("is made"),
            signing_key().expect("is made"),
        );
        assert_ne!(one, other);
        assert!(one.starts_with("-----BEGIN PRIVATE KEY-----\nMC"), "{one}");
        assert_eq!(random(16).expect("is made").len(), 32);
    }
}
