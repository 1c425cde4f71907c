//! Many users at once: a snapshot of the directory that the change feed continues, and imports of any length.
//!
//! Unlike every other operation these take several calls: a snapshot is read, and an import is made, a part at a time, so
//! that neither is ever in memory as a whole. Must not know how users come or go as text.

use super::{
    Actor, Directory, DirectoryError, FeedPosition, Filters, IdempotencyKey, Profile, Timestamp,
    User, UserId,
};
use std::future::Future;

type Outcome<T> = Result<T, DirectoryError>;

/// What exports and imports need of the store of users.
pub trait BulkStore: Send + Sync + 'static {
    /// A snapshot that is being read.
    type Export: Export;
    /// An import that is being made.
    type Import: Import;

    /// Begins to read the users of `filters` as they are now.
    fn export(&self, filters: &Filters) -> impl Future<Output = Outcome<Self::Export>> + Send;
    /// Begins an import, or continues the one that was begun with the same key.
    fn import(&self, claim: ImportClaim) -> impl Future<Output = Outcome<Self::Import>> + Send;
}

/// A snapshot of the directory; it is released when this is dropped.
pub trait Export: Send + 'static {
    /// The newest change of the snapshot: the feed behind it has exactly what the snapshot has not.
    fn position(&self) -> FeedPosition;
    /// Appends the next users to `users`, some hundred at the most, in no order; adds none at the end.
    fn read(&mut self, users: &mut Vec<User>) -> impl Future<Output = Outcome<()>> + Send;
}

/// What an import does with a user whose address the directory has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImportMode {
    /// Refuses it.
    Create,
    /// Replaces its profile.
    Upsert,
    /// Replaces its profile; in the end, the users that were there before and are not in the import are removed.
    Sync,
}

/// What a synchronisation does with the users that are not in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AbsentUsers {
    /// They are deleted.
    Delete,
    /// They are suspended.
    Suspend,
}

/// Everything that decides what an import does, and which import it continues.
#[derive(Clone, Debug)]
pub struct ImportClaim {
    /// Whose import it is.
    pub client: String,
    /// The client's name for it; without one, nothing can continue it.
    pub key: Option<IdempotencyKey>,
    /// A hash of everything but the users; another import under the same key is refused.
    pub fingerprint: [u8; 32],
    /// What becomes of users that exist.
    pub mode: ImportMode,
    /// Whether it is only found out what would be done.
    pub is_dry_run: bool,
    /// When it began.
    pub at: Timestamp,
    /// Who imports.
    pub actor: Option<Actor>,
}

/// Up to where an import has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ImportMark {
    /// The records that were dealt with.
    pub records: u64,
    /// The bytes that they took.
    pub bytes: u64,
    /// A hash of these bytes.
    pub digest: [u8; 32],
}

/// How many users an import has dealt with, by what became of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ImportCounts {
    /// New users.
    pub created: u64,
    /// Users that had another profile.
    pub updated: u64,
    /// Users that had this profile.
    pub unchanged: u64,
    /// Records that could not be taken.
    pub refused: u64,
    /// Users that were removed because they were absent.
    pub removed: u64,
}

/// What an earlier attempt at the same import has done.
#[derive(Clone, Copy, Debug, Default)]
pub struct ImportProgress {
    /// Up to where it came.
    pub mark: ImportMark,
    /// What became of the records.
    pub counts: ImportCounts,
    /// Whether it came to its end.
    pub is_finished: bool,
}

/// Users that are imported in one transaction, no two of them with the same address.
#[derive(Clone, Debug, Default)]
pub struct ImportBatch {
    /// The profiles, each with the id that it gets if it is new.
    pub users: Vec<(UserId, Profile)>,
    /// How many records between them were refused already.
    pub refused: u64,
}

/// What became of one user of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImportOutcome {
    /// It is new.
    Created(UserId),
    /// Its profile was replaced. The id is not known where a dry run would have created the user before.
    Updated(Option<UserId>),
    /// It had this profile.
    Unchanged(UserId),
    /// Another user has its address, and the mode is to create.
    EmailTaken,
    /// The store could not take it; the cause was logged.
    Failed,
}

/// An import that is being made. It ends where it is when this is dropped, and may be continued under its key.
pub trait Import: Send + 'static {
    /// What was done so far.
    fn progress(&self) -> &ImportProgress;

    /// Imports a batch, and remembers in the same transaction how far the import has come by it, and what `report` makes of
    /// the outcomes, which are in the order of the users. `report` may be called more than once; the last call counts.
    fn apply(
        &mut self,
        batch: &ImportBatch,
        mark: ImportMark,
        at: Timestamp,
        report: impl Fn(&[ImportOutcome]) -> Vec<u8> + Send + Sync,
    ) -> impl Future<Output = Outcome<()>> + Send;

    /// How many users were there before the import and are not in it, suspended ones left out where they are to be suspended.
    fn count_absent(&mut self, how: AbsentUsers) -> impl Future<Output = Outcome<u64>> + Send;

    /// Removes some of these users; returns how many, 0 when there are none left.
    fn remove_absent(
        &mut self,
        how: AbsentUsers,
        at: Timestamp,
    ) -> impl Future<Output = Outcome<u64>> + Send;

    /// Remembers that the import has come to its end.
    fn finish(&mut self) -> impl Future<Output = Outcome<()>> + Send;

    /// The next part of what was reported, of earlier attempts too, from the beginning; `None` at the end.
    fn read_report(&mut self) -> impl Future<Output = Outcome<Option<Vec<u8>>>> + Send;
}

impl<S: BulkStore> Directory<S> {
    /// Begins to read the users of `filters` as they are now.
    pub async fn export(&self, filters: &Filters) -> Outcome<S::Export> {
        self.store.export(filters).await
    }

    /// Begins an import, or continues one.
    pub async fn import(&self, claim: ImportClaim) -> Outcome<S::Import> {
        self.store.import(claim).await
    }
}
