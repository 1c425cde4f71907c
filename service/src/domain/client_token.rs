//! Long-lived tokens of API clients, for those that cannot ask for short ones: what is kept of each is a hash.
//!
//! A token is random, 256 bits of it: unlike a password it needs no slow hash, since nobody can try them all.

use super::Timestamp;
use super::client::{ApiClient, ClientId, ClientOutcome};

/// The SHA-256 of a token.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TokenHash(pub [u8; 32]);

/// A token, without what it is.
#[derive(Clone, Debug)]
pub struct ClientToken {
    /// Names the token in commands.
    pub id: String,
    /// The client that has it.
    pub client: ClientId,
    /// A display name.
    pub name: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// Until when it is valid; for good when absent.
    pub expires_at: Option<Timestamp>,
    /// Since when it is not valid any more.
    pub revoked_at: Option<Timestamp>,
}

/// What is needed of whatever keeps the tokens. Off the hot path, so it may be used behind a pointer.
pub trait ClientTokenStore: Send + Sync + 'static {
    /// Adds a token; `false` when its client does not exist or is revoked.
    fn add_token<'a>(&'a self, token: &'a ClientToken, hash: TokenHash) -> ClientOutcome<'a, bool>;
    /// The client that has the token with this hash, if token and client are valid at this time.
    fn find_by_token(&self, hash: TokenHash, at: Timestamp)
    -> ClientOutcome<'_, Option<ApiClient>>;
    /// All tokens, the oldest first.
    fn list_tokens(&self) -> ClientOutcome<'_, Vec<ClientToken>>;
    /// Ends a token; `false` when there is none with this id that is not ended already.
    fn revoke_token<'a>(&'a self, id: &'a str, at: Timestamp) -> ClientOutcome<'a, bool>;
}
