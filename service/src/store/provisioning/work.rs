//! One write of a provider, and what became of it.

use crate::domain::{
    Actor, DirectoryError, ExternalId, ProviderAttributes, Provision, ProvisionedUser, ScimProfile,
    Stamp, User, UserId,
};
use std::any::Any;
use std::sync::Arc;

/// One write to be made.
#[allow(
    clippy::large_enum_variant,
    reason = "a first synchronisation creates: a box for each user would cost more than the room"
)]
pub(super) enum Provisioning {
    Create {
        user: User,
        client: Arc<str>,
        attributes: ProviderAttributes,
        external_id: Option<ExternalId>,
        actor: Option<Actor>,
    },
    Change(Change),
}

/// What a provider wants of a user as it is.
pub(super) type Decide = Box<dyn Fn(&ProvisionedUser, ScimProfile) -> Decision + Send + Sync>;

/// A change that depends on the user as it is.
pub(super) struct Change {
    pub(super) id: UserId,
    pub(super) client: Arc<str>,
    pub(super) stamp: Stamp,
    /// Called again when the write is moved to a transaction of its own; the last call counts.
    pub(super) decision: Decide,
}

/// What is to become of a user.
pub(super) enum Decision {
    Write(Box<Provision>),
    /// It is as the provider wants it already.
    Nothing,
    /// The caller knows why.
    Refuse,
}

/// What became of one write.
pub(super) enum Outcome {
    Created,
    /// The user as it is now, be it unchanged.
    Changed(Box<ProvisionedUser>),
    Refused,
    /// A decision panicked, with this payload.
    Panicked(Box<dyn Any + Send>),
    NotFound,
    EmailTaken,
    UserNameTaken,
    ExternalIdTaken,
    /// It needs a transaction of its own: another session holds the row, or the address changes.
    NotBatchable,
}

impl Outcome {
    /// What the directory says where the write was not made.
    pub(super) fn refusal(self) -> DirectoryError {
        match self {
            Self::NotFound => DirectoryError::UserNotFound,
            Self::EmailTaken => DirectoryError::EmailTaken,
            Self::UserNameTaken => DirectoryError::UserNameTaken,
            Self::ExternalIdTaken => DirectoryError::ExternalIdTaken,
            // Without the outcome itself, which may hold a user.
            _ => DirectoryError::Internal("a write ended as another kind of write does".into()),
        }
    }
}
