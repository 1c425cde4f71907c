//! Tokens and keys: verifying bearer tokens, the keys of an OIDC issuer, and the keys that sign Roster's own tokens.
//!
//! Must not know requests, header fields or routes: a token comes in as bytes, a caller goes out as a value.

pub(super) mod bad_token;
pub(super) mod caller;
mod claims;
pub(super) mod client_tokens;
#[cfg(any(test, fuzzing))]
pub(super) mod fuzzing;
mod jwk;
pub(super) mod oidc;
pub(super) mod signing_keys;
pub(super) mod token_issuer;
pub(super) mod token_verifier;
pub(super) mod trusted_keys;

pub use claims::ScopeClaims;
