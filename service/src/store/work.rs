//! One write to be made, and what became of it.

use crate::domain::{Actor, IdempotencyClaim, Profile, Stamp, Timestamp, User, UserId, Version};
use std::any::Any;
use std::collections::HashMap;
use uuid::Uuid;

/// One write to be made.
pub(super) enum Work {
    Create {
        user: User,
        claim: Option<IdempotencyClaim>,
        actor: Option<Actor>,
    },
    Replace {
        id: UserId,
        profile: Profile,
        expected: Option<Version>,
        stamp: Stamp,
    },
    Delete {
        id: UserId,
        expected: Option<Version>,
        stamp: Stamp,
    },
    /// A replacement or a deletion that depends on the user as it is.
    Decide(Decide),
}

/// What is to become of a user.
pub(super) enum Decision {
    Replace(Profile),
    Delete,
    /// Nothing; the caller knows why.
    Refuse,
}

/// A write that is decided on the locked row.
pub(super) struct Decide {
    pub(super) id: UserId,
    pub(super) stamp: Stamp,
    /// Called again when the write is moved to a transaction of its own; the last call counts.
    pub(super) decision: Box<dyn Fn(&User) -> Decision + Send + Sync>,
}

impl Work {
    /// The user that is written.
    pub(super) fn user_id(&self) -> UserId {
        match self {
            Self::Create { user, .. } => user.id,
            Self::Replace { id, .. }
            | Self::Delete { id, .. }
            | Self::Decide(Decide { id, .. }) => *id,
        }
    }

    /// The write, if it is still to be decided on.
    pub(super) fn undecided(&self) -> Option<&Decide> {
        match self {
            Self::Decide(write) => Some(write),
            _ => None,
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
            // Not known yet; as much as the longest address and a long name.
            Self::Decide(_) => 2048,
        }
    }
}

/// What became of one write.
#[derive(Debug)]
pub(super) enum WriteOutcome {
    Created,
    /// An earlier request with the same key created this user.
    CreatedBefore(User),
    Replaced {
        version: Version,
        created_at: Timestamp,
        updated_at: Timestamp,
    },
    /// The user as a decision left it.
    Rewritten(User),
    Deleted,
    /// A decision refused to change anything.
    Refused,
    /// A decision panicked, with this payload.
    Panicked(Box<dyn Any + Send>),
    NotFound,
    ConditionFailed,
    /// An earlier request with the same key found the address taken.
    EmailTakenBefore,
    EmailTaken,
    KeyReused,
    /// It needs a transaction of its own: another session holds the row, or the address changes.
    NotBatchable,
}

/// What became of the writes of a transaction, by user.
pub(super) type Outcomes = HashMap<Uuid, WriteOutcome>;

/// How many writes a transaction makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// Any number. Rows that another session holds, and changes of addresses, are left for transactions of their own.
    Batch,
    /// One write, which waits for its row before it takes the advisory lock, and may change the address.
    Single,
}
