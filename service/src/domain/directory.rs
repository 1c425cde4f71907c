//! The operations of the directory. Each makes its decision here and one call to the store.

use super::{
    ChangePage, Condition, DirectoryError, IdempotencyClaim, Page, PageRequest, Profile, Timestamp,
    User, UserId,
};
use std::future::Future;
use std::sync::Arc;

type Outcome<T> = Result<T, DirectoryError>;

/// How a creation ended.
#[derive(Clone, Debug)]
pub enum Created {
    /// The user exists since now.
    Now(User),
    /// The user exists since an earlier request with the same idempotency key; this is how it was then.
    Before(User),
}

/// What the directory needs of whatever keeps the users. Every call is atomic, and durable once it is answered.
pub trait UserStore: Send + Sync + 'static {
    /// The user with this id. Sees every change that was answered before the call.
    fn read(&self, id: UserId) -> impl Future<Output = Outcome<Option<Arc<User>>>> + Send;
    /// Adds a user.
    fn create(
        &self,
        user: User,
        claim: Option<IdempotencyClaim>,
    ) -> impl Future<Output = Outcome<Created>> + Send;
    /// Replaces the profile of a user if `condition` ([`Condition::Exists`] or [`Condition::At`]) holds.
    /// A profile that is the same already changes nothing.
    fn replace(
        &self,
        id: UserId,
        profile: Profile,
        condition: Condition,
        at: Timestamp,
    ) -> impl Future<Output = Outcome<User>> + Send;
    /// Removes a user if `condition` ([`Condition::Exists`] or [`Condition::At`]) holds.
    fn delete(
        &self,
        id: UserId,
        condition: Condition,
        at: Timestamp,
    ) -> impl Future<Output = Outcome<()>> + Send;
    /// One page of users. Sees every change that was answered before the call.
    fn list(&self, request: &PageRequest) -> impl Future<Output = Outcome<Arc<Page>>> + Send;
    /// Up to `limit` committed changes after the position `after`.
    fn changes(
        &self,
        after: Option<i64>,
        limit: u8,
    ) -> impl Future<Output = Outcome<ChangePage>> + Send;
    /// Watches from the call on; the future is ready once a change may have been committed since.
    fn changed(&self) -> impl Future<Output = ()> + Send + 'static;
}

/// How often an unconditional patch is tried anew when others change the same user in between.
const MAX_PATCH_ATTEMPTS: usize = 100;

/// The directory of users.
pub struct Directory<S> {
    store: S,
}

impl<S: UserStore> Directory<S> {
    /// A directory that keeps its users in `store`.
    pub fn new(store: S) -> Self {
        Self { store }
    }

    /// Where the users are kept.
    pub fn store(&self) -> &S {
        &self.store
    }

    /// The user with this id.
    pub async fn read(&self, id: UserId) -> Outcome<Arc<User>> {
        self.store
            .read(id)
            .await?
            .ok_or(DirectoryError::UserNotFound)
    }

    /// Adds a user; with a claim, a retry is answered with what the first attempt led to.
    pub async fn create(&self, user: User, claim: Option<IdempotencyClaim>) -> Outcome<Created> {
        self.store.create(user, claim).await
    }

    /// Replaces the whole profile of a user.
    pub async fn replace(
        &self,
        id: UserId,
        profile: Profile,
        condition: Condition,
        at: Timestamp,
    ) -> Outcome<User> {
        let condition = self.narrow(id, condition).await?;
        self.store.replace(id, profile, condition, at).await
    }

    /// Replaces the profile of a user by what `patch` makes of the present one: all of it or none.
    ///
    /// Between reading and writing nobody else's change is lost: the write demands the version that was read.
    pub async fn patch<E>(
        &self,
        id: UserId,
        condition: Condition,
        at: Timestamp,
        patch: impl Fn(&User) -> Result<Profile, E> + Send + Sync,
    ) -> Result<User, E>
    where
        E: From<DirectoryError>,
    {
        let mut attempts = 0;
        loop {
            let user = self.read(id).await?;
            if !condition.holds(&user) {
                return Err(DirectoryError::ConditionFailed.into());
            }
            let profile = patch(&user)?;
            attempts += 1;
            match self
                .store
                .replace(id, profile, Condition::At(user.version), at)
                .await
            {
                Err(DirectoryError::ConditionFailed) if attempts < MAX_PATCH_ATTEMPTS => {}
                outcome => return Ok(outcome?),
            }
        }
    }

    /// Removes a user.
    pub async fn delete(&self, id: UserId, condition: Condition, at: Timestamp) -> Outcome<()> {
        let condition = self.narrow(id, condition).await?;
        self.store.delete(id, condition, at).await
    }

    /// One page of users.
    pub async fn list(&self, request: &PageRequest) -> Outcome<Arc<Page>> {
        self.store.list(request).await
    }

    /// Committed changes after a position.
    pub async fn changes(&self, after: Option<i64>, limit: u8) -> Outcome<ChangePage> {
        self.store.changes(after, limit).await
    }

    /// Committed changes after a position; when there is none yet, those that come before `patience` is ready.
    pub async fn await_changes(
        &self,
        after: Option<i64>,
        limit: u8,
        patience: impl Future<Output = ()> + Send,
    ) -> Outcome<ChangePage> {
        let mut patience = std::pin::pin!(patience);
        loop {
            // Watching begins before reading: what is committed in between wakes the next round.
            let changed = self.store.changed();
            let page = self.store.changes(after, limit).await?;
            if !page.changes.is_empty() {
                return Ok(page);
            }
            let changed = std::pin::pin!(changed);
            if let futures_util::future::Either::Right(_) =
                futures_util::future::select(changed, patience.as_mut()).await
            {
                // A notification may have been lost with the connection that listens.
                return self.store.changes(after, limit).await;
            }
        }
    }

    /// Turns a condition on several versions into one on the present version, which the store can check as it writes.
    async fn narrow(&self, id: UserId, condition: Condition) -> Outcome<Condition> {
        if matches!(condition, Condition::Exists | Condition::At(_)) {
            return Ok(condition);
        }
        let user = self.read(id).await?;
        if condition.holds(&user) {
            Ok(Condition::At(user.version))
        } else {
            Err(DirectoryError::ConditionFailed)
        }
    }
}
