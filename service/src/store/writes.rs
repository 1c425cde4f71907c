//! The writes that the store offers: each waits for its part in a batch (`write_lane`) and reads its own outcome.

use super::lane_work::LaneWork;
use super::limits::Limits;
use super::observed::Statement;
use super::pool::{Object, Pool};
use super::sql_error::StoreError;
use super::turn::Turn;
use super::work::{Decide, Decision, Mode, Work, WriteOutcome};
use super::write_batch;
use super::write_queue::{RefusalReason, WriteQueue};
use crate::domain::{
    Actor, Created, DirectoryError, IdempotencyClaim, Profile, Stamp, User, UserId, Version,
};
use std::future::Future;

/// Hands writes to the task that joins them.
pub(super) struct GroupedWrites(WriteQueue<Work>);

impl GroupedWrites {
    pub(super) fn new(pool: Pool, limits: Limits) -> Self {
        Self(WriteQueue::new(pool, limits))
    }

    pub(super) async fn create(
        &self,
        user: User,
        claim: Option<IdempotencyClaim>,
        actor: Option<Actor>,
    ) -> Result<Created, DirectoryError> {
        match self.0.write(Work::Create { user, claim, actor }).await? {
            (Work::Create { user, .. }, WriteOutcome::Created) => Ok(Created::Now(user)),
            (_, WriteOutcome::CreatedBefore(user)) => Ok(Created::Before(user)),
            (_, outcome) => Err(refusal(&outcome)),
        }
    }

    pub(super) async fn replace(
        &self,
        id: UserId,
        profile: Profile,
        expected: Option<Version>,
        stamp: Stamp,
    ) -> Result<User, DirectoryError> {
        match self
            .0
            .write(Work::Replace {
                id,
                profile,
                expected,
                stamp,
            })
            .await?
        {
            (
                Work::Replace { profile, .. },
                WriteOutcome::Replaced {
                    version,
                    created_at,
                    updated_at,
                },
            ) => Ok(User {
                id,
                version,
                profile,
                created_at,
                updated_at,
            }),
            (_, outcome) => Err(refusal(&outcome)),
        }
    }

    pub(super) async fn delete(
        &self,
        id: UserId,
        expected: Option<Version>,
        stamp: Stamp,
    ) -> Result<(), DirectoryError> {
        match self
            .0
            .write(Work::Delete {
                id,
                expected,
                stamp,
            })
            .await?
        {
            (_, WriteOutcome::Deleted) => Ok(()),
            (_, outcome) => Err(refusal(&outcome)),
        }
    }

    pub(super) async fn replace_with<E>(
        &self,
        id: UserId,
        stamp: Stamp,
        replacement: impl Fn(&User) -> Result<Profile, E> + Send + Sync + 'static,
    ) -> Result<User, E>
    where
        E: From<DirectoryError> + Send + 'static,
    {
        let decision = move |user: &User| replacement(user).map(Decision::Replace);
        match self.decide(id, stamp, decision).await? {
            WriteOutcome::Rewritten(user) => Ok(user),
            outcome => Err(refusal(&outcome).into()),
        }
    }

    pub(super) async fn delete_if<E>(
        &self,
        id: UserId,
        stamp: Stamp,
        condition: impl Fn(&User) -> Result<(), E> + Send + Sync + 'static,
    ) -> Result<(), E>
    where
        E: From<DirectoryError> + Send + 'static,
    {
        let decision = move |user: &User| condition(user).map(|()| Decision::Delete);
        match self.decide(id, stamp, decision).await? {
            WriteOutcome::Deleted => Ok(()),
            outcome => Err(refusal(&outcome).into()),
        }
    }

    /// Makes a write that is decided on the locked row. The reason of a refusal stays with this request.
    async fn decide<E>(
        &self,
        id: UserId,
        stamp: Stamp,
        decision: impl Fn(&User) -> Result<Decision, E> + Send + Sync + 'static,
    ) -> Result<WriteOutcome, E>
    where
        E: From<DirectoryError> + Send + 'static,
    {
        let reason = RefusalReason::new();
        let last_reason = reason.clone();
        let decision = Box::new(move |user: &User| {
            decision(user).unwrap_or_else(|error| {
                last_reason.keep(error);
                Decision::Refuse
            })
        });
        let work = Work::Decide(Decide {
            id,
            stamp,
            decision,
        });
        let (_, outcome) = self.0.write(work).await?;
        match outcome {
            WriteOutcome::Panicked(payload) => std::panic::resume_unwind(payload),
            WriteOutcome::Refused => Err(reason
                .take()
                .unwrap_or_else(|| refusal(&WriteOutcome::Refused).into())),
            outcome => Ok(outcome),
        }
    }
}

impl LaneWork for Work {
    type Outcome = WriteOutcome;
    const MEASURED: [Statement; 2] = [Statement::WriteUsers, Statement::WriteUserAlone];

    fn user_id(&self) -> UserId {
        self.user_id()
    }

    fn bytes(&self) -> usize {
        self.bytes()
    }

    fn run(
        client: &Object,
        batch: &[Self],
        mode: Mode,
        turn: &mut Turn,
    ) -> impl Future<Output = Result<Vec<WriteOutcome>, StoreError>> + Send {
        write_batch::run(client, batch, mode, turn)
    }

    fn is_not_batchable(outcome: &WriteOutcome) -> bool {
        matches!(outcome, WriteOutcome::NotBatchable)
    }

    fn violated(error: &StoreError) -> Option<WriteOutcome> {
        let is_taken = error.violates("users_email_key");
        is_taken.then_some(WriteOutcome::EmailTaken)
    }
}

fn refusal(outcome: &WriteOutcome) -> DirectoryError {
    match outcome {
        WriteOutcome::NotFound => DirectoryError::UserNotFound,
        WriteOutcome::ConditionFailed => DirectoryError::ConditionFailed,
        WriteOutcome::EmailTaken => DirectoryError::EmailTaken,
        WriteOutcome::EmailTakenBefore => DirectoryError::EmailTakenBefore,
        WriteOutcome::KeyReused => DirectoryError::IdempotencyKeyReused,
        // Without the outcome itself, which may hold a user.
        _ => DirectoryError::Internal("a write ended as another kind of write does".into()),
    }
}
