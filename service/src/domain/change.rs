//! Changes of users: under which condition one is made, and the feed of those that were made.

use super::{DirectoryError, Timestamp, User, UserId, Version};
use std::sync::Arc;

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
    /// Each of these holds.
    All(Vec<Condition>),
    /// Nothing can satisfy it: the client's condition holds only where no user exists.
    Never,
}

impl Condition {
    /// [`DirectoryError::ConditionFailed`] unless `user` satisfies the condition.
    pub fn check(&self, user: &User) -> Result<(), DirectoryError> {
        if self.holds(user) {
            Ok(())
        } else {
            Err(DirectoryError::ConditionFailed)
        }
    }

    /// Whether `user` satisfies the condition.
    pub fn holds(&self, user: &User) -> bool {
        match self {
            Self::Exists => true,
            Self::At(version) => user.version == *version,
            Self::AnyOf(versions) => versions.contains(&user.version),
            Self::NoneOf(versions) => !versions.contains(&user.version),
            Self::UnchangedSince(second) => user.updated_at.unix_seconds() <= *second,
            Self::All(conditions) => conditions.iter().all(|condition| condition.holds(user)),
            Self::Never => false,
        }
    }

    /// This and another one.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        if self == Self::Exists {
            other
        } else {
            Self::All(vec![self, other])
        }
    }
}

/// Who makes a change: the authenticated client of the request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor(Arc<str>);

impl Actor {
    /// The client with this id.
    pub fn new(client: Arc<str>) -> Self {
        Self(client)
    }

    /// The client's id.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// When a change is made, and by whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// The time of the change.
    pub at: Timestamp,
    /// The authenticated client; `None` without authentication.
    pub actor: Option<Actor>,
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

/// The newest change that a reader has seen: where it reads on.
///
/// A restore, or a failover that loses changes, begins another history, in which a position is given out again. The change
/// itself distinguishes the two: no two histories have a change of one user and one version in common unless it was made
/// before they parted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FeedPosition {
    /// The change's place in the order of commits; before the first change, the place behind which the feed begins.
    pub position: i64,
    /// The change at that place. `None` before the first change, and in cursors of releases that did not record it.
    pub change: Option<ChangeId>,
}

/// Names one change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ChangeId {
    /// Who was changed.
    pub user: UserId,
    /// The version that the change made; a deletion has one too.
    pub version: Version,
}

/// One committed change of the feed.
#[derive(Clone, Debug)]
pub struct Change {
    /// Its place in the order of commits, and which change it is.
    pub position: FeedPosition,
    /// What happened.
    pub kind: ChangeKind,
    /// When it happened.
    pub at: Timestamp,
    /// By whom; `None` where it is not recorded.
    pub actor: Option<Actor>,
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
    pub seen_through: FeedPosition,
}
