//! Why a token is rejected.

use crate::metrics::AuthFailure;

/// A longer token is refused unread. Tokens of well-known issuers have 1 to 2 KiB.
pub(super) const MAX_TOKEN_BYTES: usize = 8 * 1024;

impl BadToken {
    /// The word for it in the log and the metrics.
    pub(in crate::http) fn reason(self) -> AuthFailure {
        match self {
            Self::Malformed => AuthFailure::Malformed,
            Self::WrongType => AuthFailure::WrongType,
            Self::TooLong => AuthFailure::TooLong,
            Self::UnknownKey | Self::UnknownClientToken => AuthFailure::UnknownKey,
            Self::WrongAlgorithm => AuthFailure::WrongAlgorithm,
            Self::BadSignature => AuthFailure::BadSignature,
            Self::Expired => AuthFailure::Expired,
            Self::NotYet => AuthFailure::NotYetValid,
            Self::WrongIssuer => AuthFailure::WrongIssuer,
            Self::WrongAudience => AuthFailure::WrongAudience,
            Self::BadClaims => AuthFailure::BadClaims,
            Self::IssuerAway => AuthFailure::IssuerAway,
        }
    }
}

/// Why a token is rejected. The display is for the client, and contains nothing that a forger could use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadToken {
    /// It is not three parts of base64url and JSON, or its header names what is not supported.
    #[error("the token is not a JSON Web Token of a supported form")]
    Malformed,
    /// Its `typ` is not that of access tokens (RFC 9068), which Roster's own have.
    #[error("the token's type (typ) is not at+jwt")]
    WrongType,
    /// It has more than [`MAX_TOKEN_BYTES`].
    #[error("the token is longer than {} KiB", MAX_TOKEN_BYTES / 1024)]
    TooLong,
    /// No trusted key has its key id.
    #[error("the token is signed by an unknown key")]
    UnknownKey,
    /// No key with its key id verifies by its algorithm.
    #[error("the token's algorithm (alg) is not one of the key it names")]
    WrongAlgorithm,
    /// Its signature is wrong.
    #[error("the token's signature is not that of the key it names")]
    BadSignature,
    /// Its `exp` is past.
    #[error("the token has expired: request a new one")]
    Expired,
    /// Its `nbf` is ahead.
    #[error("the token is not valid yet: check the clocks")]
    NotYet,
    /// Its `iss` is another, or missing.
    #[error("the token's issuer (iss) is not trusted")]
    WrongIssuer,
    /// Its `aud` does not name this service.
    #[error("the token's audience (aud) is not this service")]
    WrongAudience,
    /// A claim is missing or makes no sense.
    #[error("the token's claims are incomplete: iss, aud, exp and sub are needed")]
    BadClaims,
    /// No client has this long-lived token, or not any more.
    #[error("the token is unknown, expired or revoked")]
    UnknownClientToken,
    /// Its key is not known and its issuer does not answer: the token may be good.
    #[error(
        "the token cannot be verified while the keys of its issuer, or the clients, cannot be read"
    )]
    IssuerAway,
}
