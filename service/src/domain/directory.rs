//! The operations of the directory. Each makes its decision here and one call to the store; what depends on the user as it
//! is at that moment is decided in a function that the store calls with the row locked.

use super::{
    Actor, ChangePage, Condition, Created, DirectoryError, FeedPosition, IdempotencyClaim, Page,
    PageRequest, Profile, Stamp, User, UserId, Version,
};
use std::future::Future;
use std::sync::Arc;

type Outcome<T> = Result<T, DirectoryError>;

/// What the directory needs of whatever keeps the users. Every call is atomic, and durable once it is answered.
pub trait UserStore: Send + Sync + 'static {
    /// The user with this id. Sees every change that was answered before the call.
    fn read(&self, id: UserId) -> impl Future<Output = Outcome<Option<Arc<User>>>> + Send;
    /// Adds a user.
    fn create(
        &self,
        user: User,
        claim: Option<IdempotencyClaim>,
        actor: Option<Actor>,
    ) -> impl Future<Output = Outcome<Created>> + Send;
    /// Replaces the profile of a user that is at the `expected` version, if one is expected.
    /// A profile that is the same already changes nothing.
    fn replace(
        &self,
        id: UserId,
        profile: Profile,
        expected: Option<Version>,
        stamp: Stamp,
    ) -> impl Future<Output = Outcome<User>> + Send;
    /// Removes a user that is at the `expected` version, if one is expected.
    fn delete(
        &self,
        id: UserId,
        expected: Option<Version>,
        stamp: Stamp,
    ) -> impl Future<Output = Outcome<()>> + Send;
    /// Replaces the profile of a user by what `replacement` makes of the user. No other change comes in between.
    /// It may be called more than once; the last call counts.
    fn replace_with<E>(
        &self,
        id: UserId,
        stamp: Stamp,
        replacement: impl Fn(&User) -> Result<Profile, E> + Send + Sync + 'static,
    ) -> impl Future<Output = Result<User, E>> + Send
    where
        E: From<DirectoryError> + Send + 'static;
    /// Removes a user if `condition` holds of it. No other change comes in between.
    /// It may be called more than once; the last call counts.
    fn delete_if<E>(
        &self,
        id: UserId,
        stamp: Stamp,
        condition: impl Fn(&User) -> Result<(), E> + Send + Sync + 'static,
    ) -> impl Future<Output = Result<(), E>> + Send
    where
        E: From<DirectoryError> + Send + 'static;
    /// One page of users. Sees every change that was answered before the call.
    fn list(&self, request: &PageRequest) -> impl Future<Output = Outcome<Arc<Page>>> + Send;
    /// Up to `limit` committed changes after the position `after`.
    fn changes(
        &self,
        after: Option<FeedPosition>,
        limit: u8,
    ) -> impl Future<Output = Outcome<ChangePage>> + Send;
    /// Watches from the call on; the future is ready once a change may have been committed since.
    fn changed(&self) -> impl Future<Output = ()> + Send + 'static;
}

/// The directory of users.
pub struct Directory<S> {
    pub(super) store: S,
}

impl<S> Directory<S> {
    /// A directory that keeps its users in `store`.
    pub fn new(store: S) -> Self {
        Self { store }
    }

    /// Where the users are kept.
    pub fn store(&self) -> &S {
        &self.store
    }
}

impl<S: UserStore> Directory<S> {
    /// The user with this id.
    pub async fn read(&self, id: UserId) -> Outcome<Arc<User>> {
        self.store
            .read(id)
            .await?
            .ok_or(DirectoryError::UserNotFound)
    }

    /// Adds a user; with a claim, a retry is answered with what the first attempt led to.
    pub async fn create(
        &self,
        user: User,
        claim: Option<IdempotencyClaim>,
        actor: Option<Actor>,
    ) -> Outcome<Created> {
        self.store.create(user, claim, actor).await
    }

    /// Replaces the whole profile of a user.
    pub async fn replace(
        &self,
        id: UserId,
        profile: Profile,
        condition: Condition,
        stamp: Stamp,
    ) -> Outcome<User> {
        match condition {
            Condition::Exists => self.store.replace(id, profile, None, stamp).await,
            Condition::At(version) => self.store.replace(id, profile, Some(version), stamp).await,
            condition => {
                let replacement = move |user: &User| {
                    condition.check(user)?;
                    Ok(profile.clone())
                };
                self.store.replace_with(id, stamp, replacement).await
            }
        }
    }

    /// Replaces the profile of a user by what `patch` makes of the present one: all of it or none.
    ///
    /// Concurrent patches of one user are applied one after the other, each to what the one before it left.
    pub async fn patch<E>(
        &self,
        id: UserId,
        condition: Condition,
        stamp: Stamp,
        patch: impl Fn(&User) -> Result<Profile, E> + Send + Sync + 'static,
    ) -> Result<User, E>
    where
        E: From<DirectoryError> + Send + 'static,
    {
        let replacement = move |user: &User| {
            condition.check(user)?;
            patch(user)
        };
        self.store.replace_with(id, stamp, replacement).await
    }

    /// Removes a user.
    pub async fn delete(&self, id: UserId, condition: Condition, stamp: Stamp) -> Outcome<()> {
        match condition {
            Condition::Exists => self.store.delete(id, None, stamp).await,
            Condition::At(version) => self.store.delete(id, Some(version), stamp).await,
            condition => {
                let condition = move |user: &User| condition.check(user);
                self.store.delete_if(id, stamp, condition).await
            }
        }
    }

    /// One page of users.
    pub async fn list(&self, request: &PageRequest) -> Outcome<Arc<Page>> {
        self.store.list(request).await
    }

    /// Committed changes after a position.
    pub async fn changes(&self, after: Option<FeedPosition>, limit: u8) -> Outcome<ChangePage> {
        self.store.changes(after, limit).await
    }

    /// Committed changes after a position; when there is none yet, those that come before `patience` is ready.
    pub async fn await_changes(
        &self,
        after: Option<FeedPosition>,
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
}
