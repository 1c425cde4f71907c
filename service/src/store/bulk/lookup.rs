//! What becomes of each user of a batch, by who has its address.

use super::import_sql;
use crate::domain::{ImportBatch, ImportMode, ImportOutcome, Profile, Stamp, User, UserId};
use crate::store::columns::RowReader;
use crate::store::pool::Object;
use crate::store::sql_error::StoreError;
use crate::store::work::{Work, WriteOutcome};
use std::collections::HashMap;

/// The users that have an address of the batch, by its key.
pub(super) type Present = HashMap<String, User>;

/// Reads who has the addresses of `batch`.
pub(super) async fn look_up(client: &Object, batch: &ImportBatch) -> Result<Present, StoreError> {
    let keys: Vec<String> = batch
        .users
        .iter()
        .map(|(_, profile)| profile.email.key())
        .collect();
    let statement = client.prepare_cached(&import_sql::LOOK_UP).await?;
    let mut present = Present::with_capacity(keys.len());
    for row in client.query(&statement, &[&keys]).await? {
        let mut row = RowReader::new(&row);
        let user = row.user()?;
        present.insert(row.read::<String>()?, user);
    }
    Ok(present)
}

/// What is to be done with one user.
pub(super) enum Step {
    /// Nothing: this is its outcome.
    Decided(ImportOutcome),
    /// It is created.
    Create,
    /// The profile of this user is replaced.
    Replace(UserId),
}

impl Step {
    /// By the mode, and by the user that has the address.
    pub(super) fn of(mode: ImportMode, profile: &Profile, present: Option<&User>) -> Self {
        match (present, mode) {
            (None, _) => Self::Create,
            (Some(_), ImportMode::Create) => Self::Decided(ImportOutcome::EmailTaken),
            (Some(user), _) if user.profile == *profile => {
                Self::Decided(ImportOutcome::Unchanged(user.id))
            }
            (Some(user), _) => Self::Replace(user.id),
        }
    }

    /// The write that it takes; none when it is decided.
    pub(super) fn work(&self, id: UserId, profile: &Profile, stamp: &Stamp) -> Option<Work> {
        Some(match *self {
            Self::Decided(_) => return None,
            Self::Create => Work::Create {
                user: User::new(id, profile.clone(), stamp.at),
                claim: None,
                actor: stamp.actor.clone(),
            },
            Self::Replace(id) => Work::Replace {
                id,
                profile: profile.clone(),
                expected: None,
                stamp: stamp.clone(),
            },
        })
    }

    /// What the outcome of its write says; `None` when the user has changed, or is locked, since it was looked up.
    pub(super) fn outcome(
        &self,
        id: UserId,
        mode: ImportMode,
        written: &WriteOutcome,
    ) -> Option<ImportOutcome> {
        match (self, written) {
            (Self::Decided(outcome), _) => Some(*outcome),
            (Self::Create, WriteOutcome::Created) => Some(ImportOutcome::Created(id)),
            (Self::Create, WriteOutcome::EmailTaken) if mode == ImportMode::Create => {
                Some(ImportOutcome::EmailTaken)
            }
            (Self::Replace(id), WriteOutcome::Replaced { .. }) => {
                Some(ImportOutcome::Updated(Some(*id)))
            }
            _ => None,
        }
    }
}
