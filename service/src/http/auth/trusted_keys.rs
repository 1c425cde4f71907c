//! One set of keys, what each may verify, and the tokens that it has verified.
//!
//! A set never changes: new keys make a new set with an empty memory, so that a token is never
//! remembered for longer than the key that signed it is trusted.

use super::bad_token::{BadToken, MAX_TOKEN_BYTES};
use super::caller::Caller;
use super::claims::{Claims, Expected};
use super::jwk::algorithm_named;
use super::signing_keys::PublicKey;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey};
use quick_cache::sync::Cache;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

/// The most keys that one token is tried against: each try costs a verification.
const MAX_TRIES: usize = 8;
/// What all remembered tokens may take together.
const MEMORY_BYTES: u64 = 16 * 1024 * 1024;
/// About what is remembered besides a token's text.
const BYTES_BESIDE_TOKEN: u64 = 128;

/// A key, and what the claims of a token that it has signed must say.
struct TrustedKey {
    id: Option<String>,
    algorithm: Algorithm,
    key: DecodingKey,
    expected: Expected,
}

#[derive(Clone)]
struct Seen {
    caller: Caller,
    /// The last second in which it is taken.
    ends_at: u64,
}

/// A set of trusted keys and the tokens that they have verified.
pub(super) struct TrustedKeys {
    own: Arc<[TrustedKey]>,
    /// `None` until the issuer has answered.
    issuer: Option<Arc<[TrustedKey]>>,
    /// By the bytes of the token: looking one up reads it once.
    seen: Cache<Box<[u8]>, Seen, TokenWeight>,
}

impl TrustedKeys {
    pub(super) fn of_own(keys: &[PublicKey], expected: &Expected) -> Self {
        Self::new(trusted(keys, expected), None)
    }

    /// The set with other keys of the service's own; `None` when they are the same.
    pub(super) fn with_own_keys(&self, keys: &[PublicKey], expected: &Expected) -> Option<Self> {
        let own = trusted(keys, expected);
        (!same_keys(&own, &self.own)).then(|| Self::new(own, self.issuer.clone()))
    }

    /// The set with other keys of the issuer; `None` when they are the same.
    pub(super) fn with_issuer_keys(&self, keys: &[PublicKey], expected: &Expected) -> Option<Self> {
        let keys = trusted(keys, expected);
        let same = self
            .issuer
            .as_ref()
            .is_some_and(|known| same_keys(&keys, known));
        (!same).then(|| Self::new(self.own.clone(), Some(keys)))
    }

    fn new(own: Arc<[TrustedKey]>, issuer: Option<Arc<[TrustedKey]>>) -> Self {
        let expected_tokens = 4096;
        Self {
            own,
            issuer,
            seen: Cache::with_weighter(expected_tokens, MEMORY_BYTES, TokenWeight),
        }
    }

    pub(super) fn has_issuer_keys(&self) -> bool {
        self.issuer.is_some()
    }

    /// How many tokens are remembered.
    pub(super) fn remembered(&self) -> usize {
        self.seen.len()
    }

    /// The caller of a token that was verified before and has not ended since.
    pub(super) fn recall(&self, token: &[u8], now: u64) -> Option<Caller> {
        let seen = self.seen.get(token)?;
        if seen.ends_at >= now {
            return Some(seen.caller);
        }
        self.seen.remove(token);
        None
    }

    /// Verifies a token, and remembers it when it is good.
    pub(super) fn verify(&self, token: &str, now: u64) -> Result<Caller, BadToken> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(BadToken::TooLong);
        }
        let (message, signature) = token.rsplit_once('.').ok_or(BadToken::Malformed)?;
        let (header, claims) = message
            .split_once('.')
            .filter(|(_, claims)| !claims.contains('.'))
            .ok_or(BadToken::Malformed)?;
        let header: Header = decode(header).ok_or(BadToken::Malformed)?;
        let algorithm = header.algorithm().ok_or(BadToken::Malformed)?;
        let key = self
            .candidates(&header, algorithm)?
            .take(MAX_TRIES)
            .find(|key| is_signed_by(&key.key, algorithm, message, signature))
            .ok_or(BadToken::BadSignature)?;
        if key.expected.is_own && !header.is_access_token() {
            return Err(BadToken::WrongType);
        }
        let claims: Claims = decode(claims).ok_or(BadToken::BadClaims)?;
        let (caller, ends_at) = claims.judge(&key.expected, now)?;
        if ends_at >= now {
            let seen = Seen {
                caller: caller.clone(),
                ends_at,
            };
            self.seen.insert(token.as_bytes().into(), seen);
        }
        Ok(caller)
    }

    /// The keys that may have signed a token. The header chooses among keys; what a key may verify is the key's.
    ///
    /// Several keys may have one id: issuers publish one RSA key for several algorithms, or an RSA and an EC
    /// key under one id. A key without an id, and a token without one, fit whatever the algorithm fits.
    fn candidates<'a>(
        &'a self,
        header: &Header,
        algorithm: Algorithm,
    ) -> Result<impl Iterator<Item = &'a TrustedKey> + use<'a>, BadToken> {
        let all = || {
            let issuer = self.issuer.as_deref().unwrap_or_default();
            self.own.iter().chain(issuer)
        };
        let id = header.kid.clone();
        let is_known = id.is_some() && all().any(|key| key.id == id);
        let fits = move |key: &&TrustedKey| match &id {
            Some(_) if is_known => key.id == id,
            Some(_) => key.id.is_none(),
            None => true,
        };
        if !all().any(|key| fits(&key)) {
            return Err(BadToken::UnknownKey);
        }
        if !all().any(|key| fits(&key) && key.algorithm == algorithm) {
            return Err(BadToken::WrongAlgorithm);
        }
        Ok(all()
            .filter(fits)
            .filter(move |key| key.algorithm == algorithm))
    }
}

/// The header parameters that are looked at (RFC 7515).
#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
    typ: Option<String>,
    crit: Option<serde_json::Value>,
}

impl Header {
    /// The type without the prefix that RFC 7515 lets one leave out.
    fn typ(&self) -> Option<&str> {
        let typ = self.typ.as_deref()?;
        match typ.split_at_checked("application/".len()) {
            Some((prefix, rest)) if prefix.eq_ignore_ascii_case("application/") => Some(rest),
            _ => Some(typ),
        }
    }

    /// Whether it says that it is an access token (RFC 9068, 2.1).
    fn is_access_token(&self) -> bool {
        self.typ()
            .is_some_and(|typ| typ.eq_ignore_ascii_case("at+jwt"))
    }

    /// The algorithm, unless the token is for another use (RFC 8725) or has extensions that must be understood.
    fn algorithm(&self) -> Option<Algorithm> {
        let fitting_type = self.typ().is_none_or(|typ| {
            typ.eq_ignore_ascii_case("JWT") || typ.eq_ignore_ascii_case("at+jwt")
        });
        (self.crit.is_none() && fitting_type)
            .then(|| algorithm_named(&self.alg))
            .flatten()
    }
}

fn decode<T: DeserializeOwned>(part: &str) -> Option<T> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok()
}

fn is_signed_by(key: &DecodingKey, algorithm: Algorithm, message: &str, signature: &str) -> bool {
    jsonwebtoken::crypto::verify(signature, message.as_bytes(), key, algorithm).unwrap_or(false)
}

fn trusted(keys: &[PublicKey], expected: &Expected) -> Arc<[TrustedKey]> {
    let trust = |key: &PublicKey| {
        let PublicKey { id, algorithm, key } = key.clone();
        TrustedKey {
            id,
            algorithm,
            key,
            expected: expected.clone(),
        }
    };
    keys.iter().map(trust).collect()
}

fn same_keys(some: &[TrustedKey], others: &[TrustedKey]) -> bool {
    use jsonwebtoken::DecodingKeyKind::{RsaModulusExponent, SecretOrDer};
    let same_material = |a: &DecodingKey, b: &DecodingKey| match (a.kind(), b.kind()) {
        (SecretOrDer(a), SecretOrDer(b)) => a == b,
        (
            RsaModulusExponent { n, e },
            RsaModulusExponent {
                n: other_n,
                e: other_e,
            },
        ) => n == other_n && e == other_e,
        _ => false,
    };
    some.len() == others.len()
        && some.iter().zip(others).all(|(a, b)| {
            a.id == b.id && a.algorithm == b.algorithm && same_material(&a.key, &b.key)
        })
}

#[derive(Clone)]
struct TokenWeight;

impl quick_cache::Weighter<Box<[u8]>, Seen> for TokenWeight {
    fn weight(&self, token: &Box<[u8]>, _: &Seen) -> u64 {
        token.len() as u64 + BYTES_BESIDE_TOKEN
    }
}

/// Seconds since the Unix epoch.
pub(in crate::http) fn unix_now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}
