//! Retries of creations: a client names an attempt by a key, and a retry under it is answered as the attempt was.

use super::User;

/// A client's name for one attempt to create: 1 to 255 visible ASCII characters.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct IdempotencyKey(String);

impl IdempotencyKey {
    /// Checks `raw`; `None` when it is empty, too long, or not visible ASCII.
    pub fn parse(raw: &str) -> Option<Self> {
        let valid = (1..=255).contains(&raw.len()) && raw.bytes().all(|b| b.is_ascii_graphic());
        valid.then(|| Self(raw.to_owned()))
    }

    /// The key as it was sent.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Everything that distinguishes a retry of a creation from another creation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotencyClaim {
    /// Whose key it is: two clients may use the same key.
    pub client: String,
    /// The client's key.
    pub key: IdempotencyKey,
    /// SHA-256 of the request; another one under the same key is refused.
    pub fingerprint: [u8; 32],
}

/// How a creation ended.
#[derive(Clone, Debug)]
pub enum Created {
    /// This request created the user.
    Now(User),
    /// An earlier request with the same idempotency key created the user; this is how it was then.
    Before(User),
}
