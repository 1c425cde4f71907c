//! The keys that sign Roster's own tokens: read from PEM, published as a JWK set, made by `roster token keygen`.
//!
//! Several may be configured, so that they can be rotated: the first signs, all of them verify.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair,
};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use jsonwebtoken::jwk::{Jwk, JwkSet, PublicKeyUse, ThumbprintHash};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header};
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use serde::Serialize;
use std::fmt::Write as _;

/// More keys than any rotation needs; each is one more that a stolen file gives away.
const MAX_KEYS: usize = 16;

/// Why a file of signing keys cannot be used; the display is for the person who configured it.
#[derive(Debug, thiserror::Error)]
pub enum SigningKeyError {
    /// It cannot be read as PEM.
    #[error("it is not PEM: {0}")]
    Pem(String),
    /// There is no key in it.
    #[error("there is no private key in it: 'roster token keygen' makes one")]
    NoKey,
    /// There are too many keys in it.
    #[error(
        "there are more than {MAX_KEYS} keys in it: take out those that have signed no token for longer than a token lives"
    )]
    TooMany,
    /// A key has another form than PKCS#8.
    #[error(
        "key {position} is not in PKCS#8 form: convert it with 'openssl pkcs8 -topk8 -nocrypt'"
    )]
    NotPkcs8 {
        /// Which key, counted from 1.
        position: usize,
    },
    /// A key is of another kind.
    #[error(
        "key {position} is neither Ed25519 nor ECDSA P-256: 'roster token keygen' makes a fitting one"
    )]
    UnknownKind {
        /// Which key, counted from 1.
        position: usize,
    },
    /// A key stands in the file twice.
    #[error("key {position} is in it twice")]
    Twice {
        /// Which key, counted from 1.
        position: usize,
    },
    /// The library failed.
    #[error("the cryptographic library failed: {0}")]
    Library(String),
}

impl From<jsonwebtoken::errors::Error> for SigningKeyError {
    fn from(error: jsonwebtoken::errors::Error) -> Self {
        Self::Library(error.to_string())
    }
}

impl From<aws_lc_rs::error::Unspecified> for SigningKeyError {
    fn from(error: aws_lc_rs::error::Unspecified) -> Self {
        Self::Library(error.to_string())
    }
}

/// The kind of a signing key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyKind {
    /// Ed25519, whose tokens are signed with `EdDSA`.
    Ed25519,
    /// ECDSA on P-256, whose tokens are signed with `ES256`.
    P256,
}

/// The public half of a key, and what it is called.
#[derive(Clone)]
pub(super) struct PublicKey {
    /// The key id, which only another issuer's key may lack.
    pub(super) id: Option<String>,
    pub(super) algorithm: Algorithm,
    pub(super) key: DecodingKey,
}

/// Keys that sign and verify Roster's own tokens.
pub struct SigningKeys {
    signing: EncodingKey,
    header: Header,
    public: Vec<PublicKey>,
    jwks: Bytes,
}

impl SigningKeys {
    /// Reads keys in PEM; the first is the one that signs.
    ///
    /// # Errors
    /// When there is none, or one that cannot be used.
    pub fn from_pem(pem: &[u8]) -> Result<Self, SigningKeyError> {
        let mut first = None;
        let mut public: Vec<PublicKey> = Vec::new();
        let mut set = JwkSet { keys: Vec::new() };
        for (i, key) in PrivateKeyDer::pem_slice_iter(pem).enumerate() {
            let position = i + 1;
            if position > MAX_KEYS {
                return Err(SigningKeyError::TooMany);
            }
            let PrivateKeyDer::Pkcs8(der) =
                key.map_err(|error| SigningKeyError::Pem(error.to_string()))?
            else {
                return Err(SigningKeyError::NotPkcs8 { position });
            };
            let (signing, key, jwk) = key_of(der.secret_pkcs8_der(), position)?;
            if public.iter().any(|other| other.id == key.id) {
                return Err(SigningKeyError::Twice { position });
            }
            if first.is_none() {
                // RFC 9068: a type of its own keeps an access token from being taken for anything else.
                let header = Header {
                    typ: Some("at+jwt".into()),
                    kid: key.id.clone(),
                    ..Header::new(key.algorithm)
                };
                first = Some((signing, header));
            }
            public.push(key);
            set.keys.push(jwk);
        }
        let (signing, header) = first.ok_or(SigningKeyError::NoKey)?;
        let jwks = serde_json::to_vec(&set)
            .map_err(|error| SigningKeyError::Library(error.to_string()))?;
        Ok(Self {
            signing,
            header,
            public,
            jwks: jwks.into(),
        })
    }

    /// A signed token with these claims.
    ///
    /// # Errors
    /// When the library fails.
    pub fn sign(&self, claims: &impl Serialize) -> Result<String, SigningKeyError> {
        Ok(jsonwebtoken::encode(&self.header, claims, &self.signing)?)
    }

    /// The JWK set for verifying these tokens.
    pub fn jwks(&self) -> Bytes {
        self.jwks.clone()
    }

    /// The key that signs, for tokens that are made to be refused.
    #[cfg(any(test, fuzzing))]
    pub(super) fn signing_key(&self) -> EncodingKey {
        self.signing.clone()
    }

    pub(super) fn public(&self) -> &[PublicKey] {
        &self.public
    }
}

fn key_of(pkcs8: &[u8], position: usize) -> Result<(EncodingKey, PublicKey, Jwk), SigningKeyError> {
    let (signing, key, algorithm) = if let Ok(pair) = Ed25519KeyPair::from_pkcs8(pkcs8) {
        (
            EncodingKey::from_ed_der(pkcs8),
            DecodingKey::from_ed_der(pair.public_key().as_ref()),
            Algorithm::EdDSA,
        )
    } else if let Ok(pair) = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8) {
        (
            EncodingKey::from_ec_der(pkcs8),
            DecodingKey::from_ec_der(pair.public_key().as_ref()),
            Algorithm::ES256,
        )
    } else {
        return Err(SigningKeyError::UnknownKind { position });
    };
    let mut jwk = Jwk::from_decoding_key(&key, Some(algorithm))?;
    let id = jwk.thumbprint(ThumbprintHash::SHA256)?;
    jwk.common.key_id = Some(id.clone());
    jwk.common.public_key_use = Some(PublicKeyUse::Signature);
    Ok((
        signing,
        PublicKey {
            id: Some(id),
            algorithm,
            key,
        },
        jwk,
    ))
}

/// A new private key, as PKCS#8 in PEM.
///
/// # Errors
/// When the library fails.
pub fn generate(kind: KeyKind) -> Result<String, SigningKeyError> {
    let der = match kind {
        KeyKind::Ed25519 => Ed25519KeyPair::generate()?.to_pkcs8v1()?.as_ref().to_vec(),
        KeyKind::P256 => {
            EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new())?
                .as_ref()
                .to_vec()
        }
    };
    let mut pem = String::from("-----BEGIN PRIVATE KEY-----\n");
    let text = STANDARD.encode(der);
    let mut rest = text.as_str();
    while !rest.is_empty() {
        let (line, others) = rest.split_at(rest.len().min(64));
        let _ = writeln!(pem, "{line}");
        rest = others;
    }
    pem.push_str("-----END PRIVATE KEY-----\n");
    Ok(pem)
}

#[cfg(test)]
mod tests {
    use super::{KeyKind, SigningKeyError, SigningKeys, generate};

    #[test]
    fn the_first_key_of_a_file_signs_and_all_are_published() {
        let pem = [KeyKind::P256, KeyKind::Ed25519]
            .map(|kind| generate(kind).unwrap())
            .concat();
        let keys = SigningKeys::from_pem(pem.as_bytes()).unwrap();
        let set: serde_json::Value = serde_json::from_slice(&keys.jwks()).unwrap();
        let published = set["keys"].as_array().unwrap();
        assert_eq!(
            (published[0]["alg"].as_str(), published[1]["alg"].as_str()),
            (Some("ES256"), Some("EdDSA"))
        );
        assert!(
            published
                .iter()
                .all(|key| key["use"] == "sig" && key.get("d").is_none())
        );
        let token = keys.sign(&serde_json::json!({ "sub": "x" })).unwrap();
        let header = jsonwebtoken::decode_header(&token).unwrap();
        assert_eq!(header.kid.as_deref(), published[0]["kid"].as_str());
        assert_eq!(header.typ.as_deref(), Some("at+jwt"));
    }

    /// RFC 8037, appendix A: a key, and its thumbprint by another implementation.
    #[test]
    fn the_key_id_is_the_thumbprint_of_rfc_7638() {
        let pem = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n-----END PRIVATE KEY-----\n";
        let keys = SigningKeys::from_pem(pem.as_bytes()).unwrap();
        assert_eq!(
            keys.public()[0].id.as_deref(),
            Some("kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k")
        );
    }

    #[test]
    fn a_file_that_cannot_be_used_says_why() {
        let refused = |pem: &str| {
            SigningKeys::from_pem(pem.as_bytes())
                .err()
                .expect("is refused")
        };
        assert!(matches!(refused(""), SigningKeyError::NoKey));
        assert!(matches!(
            refused("-----BEGIN PRIVATE KEY-----\nAAAA\n"),
            SigningKeyError::Pem(_)
        ));
        let sec1 = "-----BEGIN EC PRIVATE KEY-----\nAAAA\n-----END EC PRIVATE KEY-----\n";
        assert!(matches!(
            refused(sec1),
            SigningKeyError::NotPkcs8 { position: 1 }
        ));
        let good = generate(KeyKind::Ed25519).unwrap();
        let unknown =
            format!("{good}-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n");
        assert!(matches!(
            refused(&unknown),
            SigningKeyError::UnknownKind { position: 2 }
        ));
        assert!(matches!(
            refused(&good.repeat(2)),
            SigningKeyError::Twice { position: 2 }
        ));
    }
}
