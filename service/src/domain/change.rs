//! Changes of users: under which condition one is made, how a retry is known, and the feed of those that were made.

use super::{Timestamp, User, UserId, Version};

/// What must hold of a user for a change to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// The user exists.
    Exists,
    /// The user is at this version.
    At(Version),
    /// The user is at one of these versions.
    AnyOf(Vec<Version>),
    /// The user is at none of these versions.
    NoneOf(Vec<Version>),
    /// The user was not changed after this second since the Unix epoch.
    UnchangedSince(i64),
    /// Nothing can satisfy it: the client's condition holds only where no user exists.
    Never,
}

impl Condition {
    /// Whether `user` satisfies the condition.
    pub fn holds(&self, user: &User) -> bool {
        match self {
            Self::Exists => true,
            Self::At(version) => user.version == *version,
            Self::AnyOf(versions) => versions.contains(&user.version),
            Self::NoneOf(versions) => !versions.contains(&user.version),
            Self::UnchangedSince(second) => user.updated_at.unix_seconds() <= *second,
            Self::Never => false,
        }
    }
}

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

/// Everything by which a retry of a creation is told from another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotencyClaim {
    /// Whose key it is: keys of two clients never meet.
    pub client: String,
    /// The client's key.
    pub key: IdempotencyKey,
    /// SHA-256 of the request; another one under the same key is refused.
    pub fingerprint: [u8; 32],
}

/// What happened to a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeKind {
    /// It was created.
    Created,
    /// It was replaced or patched.
    Updated,
    /// It was deleted.
    Deleted,
}

impl ChangeKind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Created, Self::Updated, Self::Deleted];

    /// The word that stands for it in JSON and SQL.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Updated => "updated",
            Self::Deleted => "deleted",
        }
    }

    /// Reads the word back.
    pub fn parse(raw: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == raw)
    }
}

/// One committed change of the feed.
#[derive(Clone, Debug)]
pub struct Change {
    /// Its place in the order of commits.
    pub position: i64,
    /// What happened.
    pub kind: ChangeKind,
    /// When it happened.
    pub at: Timestamp,
    /// To whom.
    pub id: UserId,
    /// The user as the change left it; none after a deletion.
    pub user: Option<User>,
}

/// A run of changes, in the order of commits.
#[derive(Clone, Debug)]
pub struct ChangePage {
    /// The changes.
    pub changes: Vec<Change>,
    /// The position up to which the reader has now seen everything.
    pub seen_through: i64,
}
