//! Verifies the long-lived tokens of API clients: looked up by their hash, and remembered for a few seconds.
//!
//! Knows nothing of requests.

use super::bad_token::BadToken;
use super::caller::Caller;
use crate::domain::{ClientTokenStore, TokenHash};
use aws_lc_rs::digest::{SHA256, digest};
use quick_cache::sync::Cache;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant, SystemTime};

/// What every long-lived token begins with, which distinguishes it from a JSON Web Token, and which secret scanners know.
pub const CLIENT_TOKEN_PREFIX: &str = "roster_token_";

/// How long a token is remembered: a revocation takes effect within this time.
const REMEMBERED: Duration = Duration::from_secs(10);
/// How many tokens are remembered.
const MAX_REMEMBERED: usize = 4096;

/// Verifies long-lived tokens; without a store, none is valid.
pub struct ClientTokens {
    store: OnceLock<Arc<dyn ClientTokenStore>>,
    remembered: Cache<TokenHash, (Caller, Instant)>,
}

impl Default for ClientTokens {
    fn default() -> Self {
        Self {
            store: OnceLock::new(),
            remembered: Cache::new(MAX_REMEMBERED),
        }
    }
}

/// The hash by which a token is kept and looked up.
pub fn hash_client_token(token: &str) -> TokenHash {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest(&SHA256, token.as_bytes()).as_ref());
    TokenHash(hash)
}

impl ClientTokens {
    /// Accepts the tokens in `store` from now on.
    pub fn accept(&self, store: Arc<dyn ClientTokenStore>) {
        // Set once, when the service starts.
        let _ = self.store.set(store);
    }

    /// Whether `token` has the form of a long-lived token.
    pub fn is_one(token: &str) -> bool {
        token.starts_with(CLIENT_TOKEN_PREFIX)
    }

    /// The caller that has the token.
    ///
    /// # Errors
    /// When there is none, or the store cannot be asked.
    pub async fn verify(&self, token: &str) -> Result<Caller, BadToken> {
        let hash = hash_client_token(token);
        if let Some((caller, until)) = self.remembered.get(&hash)
            && Instant::now() < until
        {
            return Ok(caller);
        }
        let store = self.store.get().ok_or(BadToken::UnknownClientToken)?;
        let found = store.find_by_token(hash, SystemTime::now().into()).await;
        let client = found
            .map_err(|error| {
                tracing::warn!(error = %error, "a long-lived token could not be looked up");
                BadToken::IssuerAway
            })?
            .ok_or(BadToken::UnknownClientToken)?;
        let caller = Caller {
            client: client.id.as_str().into(),
            scopes: client.scopes,
        };
        self.remembered
            .insert(hash, (caller.clone(), Instant::now() + REMEMBERED));
        Ok(caller)
    }
}
