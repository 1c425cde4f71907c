//! The fuzz target of tokens and keys (`http/fuzzing.rs` lists all).

#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "a panic is how a fuzz target reports a defect"
)]

use super::claims::{Expected, ScopeClaims};
use super::jwk::verification_keys;
use super::signing_keys::{KeyKind, SigningKeys, generate};
use super::trusted_keys::TrustedKeys;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::Algorithm;
use serde_json::Value;
use std::sync::{Arc, LazyLock};

const ISSUER: &str = "i";
const AUDIENCE: &str = "a";
/// The present, in every run.
const NOW: u64 = 1_800_000_000;

struct Issuer {
    keys: SigningKeys,
    trusted: TrustedKeys,
}

static OWN: LazyLock<Issuer> = LazyLock::new(|| {
    let _ = jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER.install_default();
    let pem = generate(KeyKind::Ed25519).expect("a key");
    let keys = SigningKeys::from_pem(pem.as_bytes()).expect("keys");
    let expected = Expected {
        issuer: ISSUER.into(),
        audience: AUDIENCE.into(),
        scope_claims: Arc::new(ScopeClaims::default()),
        is_own: true,
        client_prefix: "",
    };
    let trusted = TrustedKeys::of_own(keys.public(), &expected);
    Issuer { keys, trusted }
});

/// The first byte chooses between a token as a client sends it; a header and claims (a line each) that are signed by a
/// trusted key; and a key as an issuer publishes it.
pub(in crate::http) fn token(data: &[u8]) {
    let Some((kind, rest)) = data.split_first() else {
        return;
    };
    match kind % 3 {
        0 => {
            let verified = OWN.trusted.verify(&String::from_utf8_lossy(rest), NOW);
            assert!(verified.is_err(), "a token was forged");
        }
        1 => signed(rest),
        _ => {
            let keys = serde_json::from_slice(rest).map(verification_keys);
            let symmetric = [Algorithm::HS256, Algorithm::HS384, Algorithm::HS512];
            for key in keys.unwrap_or_default() {
                assert!(
                    !symmetric.contains(&key.algorithm),
                    "a symmetric key is trusted"
                );
            }
        }
    }
}

/// What is accepted of a trusted key's tokens says what it has to say.
fn signed(data: &[u8]) {
    let mut lines = data.splitn(2, |byte| *byte == b'\n');
    let (header, claims) = (
        lines.next().unwrap_or_default(),
        lines.next().unwrap_or_default(),
    );
    let message = format!(
        "{}.{}",
        URL_SAFE_NO_PAD.encode(header),
        URL_SAFE_NO_PAD.encode(claims)
    );
    let key = OWN.keys.signing_key();
    let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &key, Algorithm::EdDSA);
    let token = format!("{message}.{}", signature.expect("a signature"));
    let Ok(caller) = OWN.trusted.verify(&token, NOW) else {
        return;
    };
    assert!(!caller.client.is_empty() && !caller.client.chars().any(char::is_control));
    let header: Value = serde_json::from_slice(header).expect("a header");
    assert!(header.get("crit").is_none_or(Value::is_null), "{header}");
    assert_eq!(
        header["alg"].as_str().map(|name| name.starts_with("Ed")),
        Some(true)
    );
    let claims: Value = serde_json::from_slice(claims).expect("claims");
    assert_eq!(claims["iss"], ISSUER);
    let audience = &claims["aud"];
    let is_ours = |name: &Value| name == AUDIENCE;
    assert!(
        is_ours(audience)
            || audience
                .as_array()
                .is_some_and(|names| names.iter().any(is_ours))
    );
    let expires = claims["exp"].as_f64().expect("exp");
    assert!(expires >= 1_799_999_970.0, "{expires}");
}
