//! One write to be made, and what became of it.

use crate::domain::{Condition, IdempotencyClaim, Profile, Timestamp, User, UserId, Version};

/// One write to be made.
pub(super) enum Work {
    Create {
        user: User,
        claim: Option<IdempotencyClaim>,
    },
    Replace {
        id: UserId,
        profile: Profile,
        expected: Option<Version>,
        at: Timestamp,
    },
    Delete {
        id: UserId,
        expected: Option<Version>,
        at: Timestamp,
    },
}

impl Work {
    /// The user that is written.
    pub(super) fn user_id(&self) -> UserId {
        match self {
            Self::Create { user, .. } => user.id,
            Self::Replace { id, .. } | Self::Delete { id, .. } => *id,
        }
    }

    /// About how many bytes it adds to the transaction.
    pub(super) fn bytes(&self) -> usize {
        match self {
            Self::Create {
                user: User { profile, .. },
                ..
            }
            | Self::Replace { profile, .. } => {
                // The texts, their folded forms, and the grams, which are four bytes for each of theirs.
                256 + 6 * (profile.email.as_str().len() + profile.name.as_str().len())
            }
            Self::Delete { .. } => 64,
        }
    }
}

/// The version that a narrowed condition demands.
pub(super) fn expected_version(condition: &Condition) -> Option<Version> {
    match condition {
        Condition::Exists => None,
        Condition::At(version) => Some(*version),
        // No user has this version: a condition that was not narrowed to one version never holds.
        Condition::AnyOf(_)
        | Condition::NoneOf(_)
        | Condition::UnchangedSince(_)
        | Condition::Never => Some(Version(0)),
    }
}

/// What became of one write.
#[derive(Debug)]
pub(super) enum Verdict {
    Created,
    /// An earlier request with the same key created this user.
    CreatedBefore(User),
    Replaced {
        version: Version,
        created_at: Timestamp,
        updated_at: Timestamp,
    },
    Deleted,
    NotFound,
    ConditionFailed,
    EmailTaken,
    KeyReused,
    /// It cannot be decided together with others: somebody holds the row, or the address changes.
    Alone,
}

/// Whether writes are made together, or one by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// Rows that somebody else holds, and changes of addresses, are left for later.
    Together,
    /// One write, which waits for its row before it takes the advisory lock, and may change the address.
    Alone,
}
