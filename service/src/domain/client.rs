//! API clients: the programs that may use the directory, their scopes, and the proof of who they are.
//!
//! Knows nothing of tokens or of where clients are kept; time and chance are handed to it.

use super::{DirectoryError, ScimProfile, Timestamp};
use argon2::password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash};
use argon2::{Algorithm, Argon2, Params, Version};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

/// Bytes of the salt of a secret's hash.
pub const SALT_BYTES: usize = 16;

/// The name by which a client is known: 1 to 64 of `A-Z a-z 0-9 . _ -`.
///
/// Nothing else may be in it, so that it needs no escaping in HTTP Basic, tokens and logs, and cannot
/// be mistaken for the subject of another issuer, which is written with a colon.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ClientId(Arc<str>);

impl ClientId {
    /// The length of the longest, in bytes.
    pub const MAX_BYTES: usize = 64;

    /// Checks `raw`.
    pub fn parse(raw: &str) -> Option<Self> {
        Self::is_valid(raw).then(|| Self(raw.into()))
    }

    /// Whether `raw` is one, without making it.
    pub fn is_valid(raw: &str) -> bool {
        (1..=Self::MAX_BYTES).contains(&raw.len())
            && raw
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
    }

    /// The name itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One thing that a client may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// `users:read`: read users and their changes.
    UsersRead,
    /// `users:write`: create, change and delete users.
    UsersWrite,
    /// `scim`: keep the directory over SCIM.
    Scim,
}

impl Scope {
    /// Every scope there is.
    pub const ALL: [Self; 3] = [Self::UsersRead, Self::UsersWrite, Self::Scim];

    /// The name, as tokens have it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::UsersRead => "users:read",
            Self::UsersWrite => "users:write",
            Self::Scim => "scim",
        }
    }

    /// The scope with this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.as_str() == name)
    }

    fn bit(self) -> u8 {
        1 << self as u8
    }
}

/// A set of scopes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Scopes(u8);

impl Scopes {
    /// Every scope there is.
    pub fn all() -> Self {
        Scope::ALL.into_iter().collect()
    }

    /// Whether `scope` is one of them.
    pub fn contains(self, scope: Scope) -> bool {
        self.0 & scope.bit() != 0
    }

    /// Whether all of `others` are among these.
    pub fn contains_all(self, others: Self) -> bool {
        others.0 & !self.0 == 0
    }

    /// Whether there is none.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The scopes one by one.
    pub fn iter(self) -> impl Iterator<Item = Scope> {
        Scope::ALL
            .into_iter()
            .filter(move |scope| self.contains(*scope))
    }
}

impl FromIterator<Scope> for Scopes {
    fn from_iter<I: IntoIterator<Item = Scope>>(scopes: I) -> Self {
        Self(scopes.into_iter().fold(0, |bits, scope| bits | scope.bit()))
    }
}

/// The names, separated by single spaces, as RFC 6749 writes a scope.
impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, scope) in self.iter().enumerate() {
            if i > 0 {
                f.write_str(" ")?;
            }
            f.write_str(scope.as_str())?;
        }
        Ok(())
    }
}

/// The Argon2id hash of a client's secret, in the PHC string format.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretHash(String);

impl SecretHash {
    /// Hashes a secret. Slow by intent: tens of milliseconds and 19 MiB.
    pub fn of(secret: &str, salt: [u8; SALT_BYTES]) -> Option<Self> {
        let hash = argon2id().hash_password_with_salt(secret.as_bytes(), &salt);
        hash.ok().map(|hash| Self(hash.to_string()))
    }

    /// Takes a hash from where clients are kept.
    pub fn from_stored(phc: String) -> Self {
        Self(phc)
    }

    /// The hash in the PHC string format.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is the hash of `secret`. As slow as [`SecretHash::of`].
    pub fn matches(&self, secret: &str) -> bool {
        PasswordHash::new(&self.0)
            .is_ok_and(|hash| argon2id().verify_password(secret.as_bytes(), &hash).is_ok())
    }
}

/// A hash is not a secret, but does not belong in a log either.
impl fmt::Debug for SecretHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretHash(…)")
    }
}

/// The parameters that OWASP recommends: 19 MiB, 2 passes, 1 lane.
fn argon2id() -> Argon2<'static> {
    Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::DEFAULT)
}

/// A program that may use the directory.
#[derive(Clone, Debug)]
pub struct ApiClient {
    /// The name by which it is known.
    pub id: ClientId,
    /// A display name.
    pub name: String,
    /// The hash of its secret.
    pub secret_hash: SecretHash,
    /// What it may do.
    pub scopes: Scopes,
    /// When it was made.
    pub created_at: Timestamp,
    /// Since when it gets no tokens any more.
    pub revoked_at: Option<Timestamp>,
    /// What it expects of SCIM where the standard and providers contradict each other.
    pub scim_profile: ScimProfile,
}

/// A result of the client store, to be awaited.
pub type ClientOutcome<'a, T> =
    Pin<Box<dyn Future<Output = Result<T, DirectoryError>> + Send + 'a>>;

/// What is needed of whatever keeps the clients. Off the hot path, so it may be used behind a pointer.
pub trait ClientStore: Send + Sync + 'static {
    /// Adds a client; `false` when there is one with this id already.
    fn add<'a>(&'a self, client: &'a ApiClient) -> ClientOutcome<'a, bool>;
    /// The client with this id.
    fn find<'a>(&'a self, id: &'a ClientId) -> ClientOutcome<'a, Option<ApiClient>>;
    /// All clients, the oldest first.
    fn list(&self) -> ClientOutcome<'_, Vec<ApiClient>>;
    /// Ends a client; `false` when there is none with this id that is not ended already.
    fn revoke<'a>(&'a self, id: &'a ClientId, at: Timestamp) -> ClientOutcome<'a, bool>;
}

#[cfg(test)]
mod tests {
    use super::{ClientId, Scope, Scopes, SecretHash};

    #[test]
    fn a_client_id_has_only_characters_that_need_no_escaping() {
        assert!(ClientId::parse("billing-01.eu_west").is_some());
        let too_long = "x".repeat(65);
        for bad in ["", "a b", "a:b", "a/b", "ä", "a\n", too_long.as_str()] {
            assert!(ClientId::parse(bad).is_none(), "{bad:?} was taken");
        }
    }

    #[test]
    fn scopes_are_a_set_that_is_written_as_in_a_token() {
        let both: Scopes = [Scope::UsersRead, Scope::UsersWrite].into_iter().collect();
        let read: Scopes = [Scope::UsersRead, Scope::UsersRead].into_iter().collect();
        assert_eq!(both.to_string(), "users:read users:write");
        assert_eq!(read.to_string(), "users:read");
        assert!(both.contains_all(read) && !read.contains_all(both));
        assert!(Scopes::default().is_empty() && !read.contains(Scope::UsersWrite));
        assert_eq!(Scope::parse("users:write"), Some(Scope::UsersWrite));
        assert_eq!(Scope::parse("users:admin"), None);
    }

    #[test]
    fn a_hash_knows_its_secret_and_no_other() {
        let hash = SecretHash::of("correct horse", [7; 16]).expect("hashes");
        assert!(hash.as_str().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        assert!(hash.matches("correct horse"));
        assert!(!hash.matches("correct horse "));
        assert!(!SecretHash::from_stored("garbage".into()).matches("garbage"));
        assert!(!format!("{hash:?}").contains("argon2"));
    }
}
