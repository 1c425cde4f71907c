//! One JSON Web Key (RFC 7517, 7518, 8037, 9864) as a key that verifies signatures.
//!
//! Lenient in how a key is written, as issuers write them; strict in what it may do. A symmetric key is
//! never taken: a verifier could sign with it. Must not know where the keys come from.

use super::signing_keys::PublicKey;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Deserialize;

/// The members of a key that are looked at; a set is free to carry more.
#[derive(Deserialize)]
struct Jwk {
    kty: String,
    kid: Option<String>,
    alg: Option<String>,
    #[serde(rename = "use")]
    used_for: Option<String>,
    key_ops: Option<Vec<String>>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

/// All that a key may verify: nothing, or one algorithm, or those of RSA when it does not say which (RFC 7517, 4.4).
pub(super) fn verification_keys(value: serde_json::Value) -> Vec<PublicKey> {
    let is_bound = value.get("alg").is_some_and(|name| !name.is_null());
    match verification_key(value) {
        Some(key) if is_rsa(key.algorithm) && !is_bound => RSA_ALGORITHMS
            .iter()
            .map(|algorithm| PublicKey {
                algorithm: *algorithm,
                ..key.clone()
            })
            .collect(),
        key => Vec::from_iter(key),
    }
}

/// The key, when it verifies signatures by an algorithm that is supported here.
fn verification_key(value: serde_json::Value) -> Option<PublicKey> {
    let jwk: Jwk = serde_json::from_value(value).ok()?;
    let for_signatures = jwk.used_for.as_deref().is_none_or(|used| used == "sig");
    let verifies = jwk
        .key_ops
        .as_ref()
        .is_none_or(|operations| operations.iter().any(|operation| operation == "verify"));
    if !for_signatures || !verifies {
        return None;
    }
    let named = match jwk.alg.as_deref() {
        Some(name) => Some(algorithm_named(name)?),
        None => None,
    };
    let (algorithm, key) = match (jwk.kty.as_str(), jwk.crv.as_deref()) {
        ("RSA", _) => {
            let algorithm = named.unwrap_or(Algorithm::RS256);
            (is_rsa(algorithm).then_some(algorithm)?, rsa_key(&jwk)?)
        }
        ("EC", Some("P-256")) => (Algorithm::ES256, ec_key(&jwk, 32)?),
        ("EC", Some("P-384")) => (Algorithm::ES384, ec_key(&jwk, 48)?),
        ("OKP", Some("Ed25519")) => (
            Algorithm::EdDSA,
            DecodingKey::from_ed_der(&decode(jwk.x.as_ref()?)?),
        ),
        _ => return None,
    };
    named
        .is_none_or(|named| named == algorithm)
        .then_some(PublicKey {
            id: jwk.kid,
            algorithm,
            key,
        })
}

/// The algorithm that a key or a token's header names. RFC 9864 calls `EdDSA` over Ed25519 `Ed25519`.
pub(super) fn algorithm_named(name: &str) -> Option<Algorithm> {
    match name {
        "Ed25519" => Some(Algorithm::EdDSA),
        name => name.parse().ok(),
    }
}

/// What any RSA key can verify.
const RSA_ALGORITHMS: [Algorithm; 6] = [
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::PS512,
];

fn is_rsa(algorithm: Algorithm) -> bool {
    RSA_ALGORITHMS.contains(&algorithm)
}

/// RFC 7518 forbids leading zero octets in `n`; some issuers write the sign octet of their ASN.1 library.
fn rsa_key(jwk: &Jwk) -> Option<DecodingKey> {
    let n = decode(jwk.n.as_ref()?)?;
    let e = decode(jwk.e.as_ref()?)?;
    let n = without_leading_zeros(&n);
    // The library would accept a shorter key, and reject every token signed with it.
    let bits = n.len() * 8 - usize::try_from(n.first()?.leading_zeros()).ok()?;
    (bits >= 2048).then(|| DecodingKey::from_rsa_raw_components(n, without_leading_zeros(&e)))
}

/// RFC 7518 asks for coordinates of full length; some issuers leave leading zero octets out.
fn ec_key(jwk: &Jwk, coordinate_bytes: usize) -> Option<DecodingKey> {
    let mut point = vec![0x04];
    for coordinate in [&jwk.x, &jwk.y] {
        let octets = decode(coordinate.as_ref()?)?;
        let octets = without_leading_zeros(&octets);
        let missing = coordinate_bytes.checked_sub(octets.len())?;
        point.resize(point.len() + missing, 0);
        point.extend_from_slice(octets);
    }
    Some(DecodingKey::from_ec_der(&point))
}

/// Base64url (RFC 7515, section 2), padded or not.
fn decode(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).ok()
}

fn without_leading_zeros(octets: &[u8]) -> &[u8] {
    let zeros = octets.iter().take_while(|octet| **octet == 0).count();
    &octets[zeros..]
}

#[cfg(test)]
mod tests {
    use super::verification_key;
    use base64::Engine;
    use base64::engine::general_purpose::{URL_SAFE, URL_SAFE_NO_PAD};
    use jsonwebtoken::{Algorithm, DecodingKeyKind};
    use serde_json::{Value, json};

    fn p256() -> Value {
        json!({"kty":"EC","crv":"P-256","kid":"a","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"})
    }

    fn with(mut key: Value, changes: &Value) -> Value {
        for (name, value) in changes.as_object().unwrap() {
            key[name] = value.clone();
        }
        key
    }

    fn modulus() -> Vec<u8> {
        (0..=255_u8).map(|octet| octet | 0x80).collect()
    }

    fn rsa(n: &str) -> Value {
        json!({"kty": "RSA", "n": n, "e": "AQAB"})
    }

    fn material(key: Value) -> Vec<u8> {
        match verification_key(key).expect("a usable key").key.kind() {
            DecodingKeyKind::SecretOrDer(octets) => octets.clone(),
            DecodingKeyKind::RsaModulusExponent { n, .. } => n.clone(),
        }
    }

    #[test]
    fn only_keys_that_verify_signatures_are_used() {
        let algorithm = |key| verification_key(key).map(|key| key.algorithm);
        assert_eq!(algorithm(p256()), Some(Algorithm::ES256));
        for good in [
            json!({"use": "sig", "alg": "ES256"}),
            json!({"key_ops": ["verify"]}),
        ] {
            assert!(algorithm(with(p256(), &good)).is_some(), "{good}");
        }
        for bad in [
            json!({"use": "enc"}),
            json!({"key_ops": ["sign"]}),
            json!({"alg": "HS256"}),
            json!({"alg": "ES384"}),
            json!({"alg": "RS256"}),
            json!({"crv": "secp256k1"}),
            json!({"kty": "AKP", "alg": "ML-DSA-44"}),
            json!({"x": "BwcH".repeat(11)}),
            json!({"x": "not base64"}),
        ] {
            assert!(algorithm(with(p256(), &bad)).is_none(), "{bad}");
        }
        let symmetric = json!({"kty":"oct","k":"c2VjcmV0","alg":"HS256","kid":"a"});
        assert!(algorithm(symmetric).is_none());
        assert!(algorithm(json!("nonsense")).is_none());
        let short = URL_SAFE_NO_PAD.encode([0xff; 128]);
        assert!(algorithm(rsa(&short)).is_none(), "1024 bits");
    }

    #[test]
    fn an_ed25519_key_is_taken_by_the_name_of_rfc_8037_and_of_rfc_9864() {
        for alg in ["EdDSA", "Ed25519"] {
            let key = json!({"kty":"OKP","crv":"Ed25519","alg":alg,"x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"});
            let key = verification_key(key).map(|key| key.algorithm);
            assert_eq!(key, Some(Algorithm::EdDSA), "{alg}");
        }
    }

    #[test]
    fn a_modulus_may_be_padded_or_begin_with_zeros() {
        let plain = modulus();
        let signed = [&[0], plain.as_slice()].concat();
        for n in [
            URL_SAFE_NO_PAD.encode(&plain),
            URL_SAFE.encode(&plain),
            URL_SAFE_NO_PAD.encode(&signed),
            URL_SAFE.encode(&signed),
        ] {
            assert_eq!(material(rsa(&n)), plain, "{n}");
        }
    }

    #[test]
    fn a_coordinate_may_lack_its_leading_zeros() {
        let x = [&[0, 0], [7_u8; 30].as_slice()].concat();
        let full = with(p256(), &json!({"x": URL_SAFE_NO_PAD.encode(&x)}));
        let short = with(p256(), &json!({"x": URL_SAFE_NO_PAD.encode(&x[2..])}));
        assert_eq!(material(full), material(short));
    }
}
