//! Issues Roster's own access tokens (RFC 9068) to the registered clients. Knows no request: `api/tokens.rs` reads it.

use super::signing_keys::{SigningKeyError, SigningKeys};
use super::token_verifier::OwnTokens;
use crate::domain::{ApiClient, ClientRegistry, Scopes};
use arc_swap::ArcSwapOption;
use serde::Serialize;
use std::sync::Arc;
use uuid::Uuid;

/// Issues the service's own tokens.
pub struct TokenIssuer {
    /// The clients that may have one.
    pub clients: ClientRegistry,
    /// Issuer and audience of the tokens.
    pub own: OwnTokens,
    /// Lifetime of a token, in seconds.
    pub lifetime_s: u32,
    keys: ArcSwapOption<SigningKeys>,
}

/// The claims of RFC 9068.
#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    aud: &'a str,
    sub: &'a str,
    client_id: &'a str,
    scope: String,
    iat: i64,
    exp: i64,
    jti: Uuid,
}

impl TokenIssuer {
    /// Issues tokens signed by `keys`; without them, none.
    pub fn new(
        clients: ClientRegistry,
        own: OwnTokens,
        lifetime_s: u32,
        keys: Option<Arc<SigningKeys>>,
    ) -> Self {
        Self {
            clients,
            own,
            lifetime_s,
            keys: ArcSwapOption::new(keys),
        }
    }

    /// Signs with these keys from now on.
    pub fn set_keys(&self, keys: Arc<SigningKeys>) {
        self.keys.store(Some(keys));
    }

    /// The keys that sign; `None` when this service issues no tokens.
    pub(in crate::http) fn keys(&self) -> Option<Arc<SigningKeys>> {
        self.keys.load_full()
    }

    /// A token for `client` with these scopes, valid from `now_s` (Unix time).
    ///
    /// # Errors
    /// When the cryptographic library fails.
    pub(in crate::http) fn issue(
        &self,
        keys: &SigningKeys,
        client: &ApiClient,
        scopes: Scopes,
        now_s: i64,
    ) -> Result<String, SigningKeyError> {
        keys.sign(&Claims {
            iss: &self.own.issuer,
            aud: &self.own.audience,
            sub: client.id.as_str(),
            client_id: client.id.as_str(),
            scope: scopes.to_string(),
            iat: now_s,
            exp: now_s + i64::from(self.lifetime_s),
            jti: Uuid::now_v7(),
        })
    }
}
