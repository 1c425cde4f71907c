//! One set of keys, what each may verify, and the tokens that it has verified.
//!
//! A set never changes: new keys make a new set with an empty memory, so that a token is never
//! remembered for longer than the key that signed it is trusted.

use super::caller::Caller;
use super::signing_keys::PublicKey;
use crate::domain::{Scope, Scopes};
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, DecodingKey, Header, Validation};
use quick_cache::sync::Cache;
use serde::Deserialize;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

/// The difference between two clocks that is forgiven, in seconds.
const LEEWAY_S: u64 = 30;
/// A longer token is refused unread. Tokens of well-known issuers have 1 to 2 KiB.
const MAX_TOKEN_BYTES: usize = 8 * 1024;
/// What all remembered tokens may take together.
const MEMORY_BYTES: u64 = 16 * 1024 * 1024;
/// About what is remembered besides a token's text.
const BYTES_BESIDE_TOKEN: u64 = 128;
/// The longest subject that is taken: what OpenID Connect allows.
const MAX_SUBJECT_BYTES: usize = 255;

/// Why a token is not good. The display is for the client, and tells nothing that a forger could use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadToken {
    /// It is not three parts of base64url and JSON, or is too long.
    #[error("the token is no JSON Web Token that is understood here")]
    Malformed,
    /// No trusted key has its key id.
    #[error("the token is signed by a key that is not known here")]
    UnknownKey,
    /// Its algorithm is not the key's, or its signature is wrong.
    #[error("the token's signature is not that of the key it names")]
    BadSignature,
    /// Its `exp` is past.
    #[error("the token has expired: get a new one")]
    Expired,
    /// Its `nbf` is ahead.
    #[error("the token is not valid yet: compare your clock")]
    NotYet,
    /// Its `iss` is another, or missing.
    #[error("the token's issuer (iss) is not the one expected here")]
    WrongIssuer,
    /// Its `aud` does not name this service.
    #[error("the token's audience (aud) is not this service")]
    WrongAudience,
    /// A claim is missing or makes no sense.
    #[error("the token's claims are incomplete: iss, aud, exp and sub are needed")]
    BadClaims,
    /// Its key is not known and its issuer does not answer: the token may be good.
    #[error("the token cannot be verified while its issuer does not answer")]
    IssuerAway,
}

impl From<jsonwebtoken::errors::Error> for BadToken {
    fn from(error: jsonwebtoken::errors::Error) -> Self {
        match error.kind() {
            ErrorKind::ExpiredSignature => Self::Expired,
            ErrorKind::ImmatureSignature => Self::NotYet,
            ErrorKind::InvalidIssuer => Self::WrongIssuer,
            ErrorKind::InvalidAudience => Self::WrongAudience,
            ErrorKind::InvalidSignature
            | ErrorKind::InvalidAlgorithm
            | ErrorKind::InvalidKeyFormat => Self::BadSignature,
            ErrorKind::MissingRequiredClaim(_)
            | ErrorKind::InvalidClaimFormat(_)
            | ErrorKind::Json(_) => Self::BadClaims,
            _ => Self::Malformed,
        }
    }
}

/// A key, and all that a token has to fulfil beside being signed by it.
struct TrustedKey {
    id: Option<String>,
    algorithm: Algorithm,
    key: DecodingKey,
    validation: Validation,
    /// Put before the subject, so that two issuers' subjects are never the same client.
    client_prefix: &'static str,
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
    pub(super) fn of_own(issuer: &str, audience: &str, keys: &[PublicKey]) -> Self {
        Self::new(trusted(keys, issuer, audience, ""), None)
    }

    /// The set with other keys of the service's own; `None` when they are the same.
    pub(super) fn with_own_keys(
        &self,
        issuer: &str,
        audience: &str,
        keys: &[PublicKey],
    ) -> Option<Self> {
        let own = trusted(keys, issuer, audience, "");
        (!same_keys(&own, &self.own)).then(|| Self::new(own, self.issuer.clone()))
    }

    /// The set with other keys of the issuer; `None` when they are the same.
    pub(super) fn with_issuer_keys(
        &self,
        issuer: &str,
        audience: &str,
        keys: &[PublicKey],
    ) -> Option<Self> {
        let keys = trusted(keys, issuer, audience, "oidc:");
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
            return Err(BadToken::Malformed);
        }
        let header = header_of(token)?;
        let key = self.key_for(&header).ok_or(BadToken::UnknownKey)?;
        let data = jsonwebtoken::decode::<Claims>(token, &key.key, &key.validation)?;
        let caller = data
            .claims
            .caller(key.client_prefix)
            .ok_or(BadToken::BadClaims)?;
        let ends_at = data.claims.ends_at();
        if ends_at >= now {
            self.seen.insert(
                token.as_bytes().into(),
                Seen {
                    caller: caller.clone(),
                    ends_at,
                },
            );
        }
        Ok(caller)
    }

    /// Whether the key that a token names is one of these.
    pub(super) fn knows_key_of(&self, token: &str) -> bool {
        header_of(token).is_ok_and(|header| self.key_for(&header).is_some())
    }

    fn key_for(&self, header: &Header) -> Option<&TrustedKey> {
        let issuer = self.issuer.as_deref().unwrap_or_default();
        let mut all = self.own.iter().chain(issuer);
        if let Some(id) = &header.kid {
            return all.find(|key| key.id.as_ref() == Some(id));
        }
        // Without a key id there must be nothing to choose among.
        let mut fitting = all.filter(|key| key.algorithm == header.alg);
        fitting.next().filter(|_| fitting.next().is_none())
    }
}

fn header_of(token: &str) -> Result<Header, BadToken> {
    let header = jsonwebtoken::decode_header(token).map_err(|_| BadToken::Malformed)?;
    // RFC 7515: what must be understood and is not, is refused. RFC 8725: a token made for another use, too.
    let fitting_type = header.typ.as_deref().is_none_or(|typ| {
        let typ = typ.strip_prefix("application/").unwrap_or(typ);
        typ.eq_ignore_ascii_case("JWT") || typ.eq_ignore_ascii_case("at+jwt")
    });
    if header.crit.is_none() && fitting_type {
        Ok(header)
    } else {
        Err(BadToken::Malformed)
    }
}

fn trusted(
    keys: &[PublicKey],
    issuer: &str,
    audience: &str,
    client_prefix: &'static str,
) -> Arc<[TrustedKey]> {
    let trust = |key: &PublicKey| {
        let mut validation = Validation::new(key.algorithm);
        validation.leeway = LEEWAY_S;
        validation.validate_nbf = true;
        validation.set_issuer(&[issuer]);
        validation.set_audience(&[audience]);
        validation.set_required_spec_claims(&["exp", "iss", "aud"]);
        let PublicKey { id, algorithm, key } = key.clone();
        TrustedKey {
            id,
            algorithm,
            key,
            validation,
            client_prefix,
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

/// The claims that are used beyond those that the library checks.
#[derive(Deserialize)]
struct Claims {
    // Read once more by name, so that an issuer in any form but one string is refused.
    #[serde(rename = "iss")]
    _issuer: String,
    exp: f64,
    sub: Option<String>,
    client_id: Option<String>,
    azp: Option<String>,
    scope: Option<Names>,
    /// What some issuers call the scope.
    scp: Option<Names>,
}

/// One string with spaces (RFC 8693), or a list, as some issuers have it.
#[derive(Deserialize)]
#[serde(untagged)]
enum Names {
    Spaced(String),
    Listed(Vec<String>),
}

impl Claims {
    fn caller(&self, client_prefix: &str) -> Option<Caller> {
        let subject = [&self.sub, &self.client_id, &self.azp]
            .into_iter()
            .find_map(Option::as_deref)?;
        let usable = (1..=MAX_SUBJECT_BYTES).contains(&subject.len())
            && !subject.chars().any(char::is_control);
        usable.then(|| Caller {
            client: format!("{client_prefix}{subject}").into(),
            scopes: self.scopes(),
        })
    }

    /// The scopes that mean something here; an issuer may well grant others for other services.
    fn scopes(&self) -> Scopes {
        let names = [&self.scope, &self.scp].into_iter().flatten();
        names
            .flat_map(|names| match names {
                Names::Spaced(text) => text.split(' ').filter_map(Scope::parse).collect::<Vec<_>>(),
                Names::Listed(list) => list.iter().filter_map(|name| Scope::parse(name)).collect(),
            })
            .collect()
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the library has checked the range, and a cast saturates"
    )]
    fn ends_at(&self) -> u64 {
        (self.exp.round() as u64).saturating_add(LEEWAY_S)
    }
}

/// Seconds since the Unix epoch.
pub(in crate::http) fn unix_now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}
