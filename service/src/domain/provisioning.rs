//! Users as identity providers keep them over SCIM: a profile, what they wrote beside it, and their own name of the user.
//!
//! The attributes are a JSON document, which the directory keeps and does not read: what SCIM makes of them is up to http.

use super::directory::{Directory, UserStore};
use super::{
    Actor, Condition, Cursor, DirectoryError, EmailAddress, PageRequest, Profile, Stamp, User,
    UserId, fold::fold,
};
use std::future::Future;
use std::sync::Arc;

/// The provider's own name of a user: 1 to 1,024 bytes, compared exactly.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ExternalId(String);

impl ExternalId {
    /// The length of the longest, in bytes.
    pub const MAX_BYTES: usize = 1024;

    /// Checks `raw`; `None` when it is empty or too long, or has the character U+0000.
    pub fn parse(raw: &str) -> Option<Self> {
        let valid = (1..=Self::MAX_BYTES).contains(&raw.len()) && !raw.contains('\0');
        valid.then(|| Self(raw.to_owned()))
    }

    /// Takes a name that was checked before it was stored.
    pub fn from_stored(raw: &str) -> Self {
        Self(raw.to_owned())
    }

    /// The name itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A text by which a user is found without regard to case: a user name, or an address beside the user's own.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FoldedKey(String);

impl FoldedKey {
    /// Folds `raw`: an address as addresses are compared, any other text by its characters. Without control characters, so
    /// that a list of keys can be separated by one.
    pub fn of(raw: &str) -> Self {
        match EmailAddress::parse(raw) {
            Ok(address) => Self(address.key()),
            Err(_) => Self(fold(raw).replace(char::is_control, "")),
        }
    }

    /// The folded text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What a provider wrote of a user, and the keys by which it is found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderAttributes {
    /// A JSON object.
    pub document: String,
    /// The user name, where it is not the user's e-mail address.
    pub user_name: Option<FoldedKey>,
    /// The addresses beside the user's own.
    pub emails: Vec<FoldedKey>,
}

/// A user as a provider wants it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Provision {
    /// What every client reads.
    pub profile: Profile,
    /// What providers read beside it.
    pub attributes: ProviderAttributes,
    /// This provider's own name of the user.
    pub external_id: Option<ExternalId>,
}

/// A user as a provider reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProvisionedUser {
    /// The user as every client reads it.
    pub user: User,
    /// The JSON object that a provider wrote; `None` when none ever did.
    pub document: Option<String>,
    /// This provider's own name of the user.
    pub external_id: Option<ExternalId>,
}

/// Which of two contradicting behaviours a provider expects.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ScimProfile {
    /// What RFC 7644 says.
    #[default]
    Rfc,
    /// What Microsoft Entra ID does.
    Entra,
}

impl ScimProfile {
    /// Every one there is.
    pub const ALL: [Self; 2] = [Self::Rfc, Self::Entra];

    /// The word for it in commands and SQL.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Rfc => "rfc",
            Self::Entra => "entra",
        }
    }

    /// Reads the word back.
    pub fn parse(raw: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|profile| profile.as_str() == raw)
    }
}

/// By what users are looked up: each is answered from an index, by a few users at the most.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lookup {
    /// The user with this id.
    Id(UserId),
    /// The user whose user name or own address has this key.
    UserName(FoldedKey),
    /// The users that have this address, their own or beside it.
    Email(FoldedKey),
    /// The user that the provider calls so.
    ExternalId(ExternalId),
}

/// Where a page of provisioned users begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PageStart {
    /// Behind this many users of the order; the cost grows with it.
    Offset(u32),
    /// Where the request's cursor says; at the beginning without one.
    Cursor,
}

/// A page of provisioned users.
#[derive(Debug)]
pub struct ProvisionedPage {
    /// The users, in the order asked for.
    pub users: Vec<ProvisionedUser>,
    /// Where to go on, while there is more; only of pages that were asked for by cursor.
    pub next: Option<Cursor>,
    /// How many users there are in all; only of pages that were asked for by offset.
    pub total: Option<u64>,
}

type Outcome<T> = Result<T, DirectoryError>;

/// What the directory needs of the store for providers. Every call is atomic, and durable once it is answered.
/// `client` is the provider that asks.
pub trait ProvisioningStore: UserStore {
    /// The users that any of `lookups` finds, each once.
    fn look_up(
        &self,
        client: &Arc<str>,
        lookups: &[Lookup],
    ) -> impl Future<Output = Outcome<Vec<ProvisionedUser>>> + Send;
    /// One page of users. Of the request's filters, those by status alone may be set.
    fn list_provisioned(
        &self,
        client: &Arc<str>,
        request: &PageRequest,
        start: PageStart,
    ) -> impl Future<Output = Outcome<ProvisionedPage>> + Send;
    /// Adds a user.
    fn create_provisioned(
        &self,
        client: &Arc<str>,
        user: User,
        provision: Provision,
        actor: Option<Actor>,
    ) -> impl Future<Output = Outcome<User>> + Send;
    /// Makes of a user what `change` makes of it; nothing where that is `None`. No other change comes in between.
    /// It may be called more than once; the last call counts. Returns the user, and whether it changed.
    fn change_provisioned<E>(
        &self,
        client: &Arc<str>,
        id: UserId,
        stamp: Stamp,
        change: impl Fn(&ProvisionedUser, ScimProfile) -> Result<Option<Provision>, E>
        + Send
        + Sync
        + 'static,
    ) -> impl Future<Output = Result<ProvisionedUser, E>> + Send
    where
        E: From<DirectoryError> + Send + 'static;
}

impl<S: ProvisioningStore> Directory<S> {
    /// The users that any of `lookups` finds, as `client` reads them.
    pub async fn look_up(
        &self,
        client: &Arc<str>,
        lookups: &[Lookup],
    ) -> Outcome<Vec<ProvisionedUser>> {
        self.store().look_up(client, lookups).await
    }

    /// The user with this id, as `client` reads it.
    pub async fn read_provisioned(
        &self,
        client: &Arc<str>,
        id: UserId,
    ) -> Outcome<ProvisionedUser> {
        let mut found = self.store().look_up(client, &[Lookup::Id(id)]).await?;
        found.pop().ok_or(DirectoryError::UserNotFound)
    }

    /// One page of users, all or those of one status, as `client` reads them.
    pub async fn list_provisioned(
        &self,
        client: &Arc<str>,
        request: &PageRequest,
        start: PageStart,
    ) -> Outcome<ProvisionedPage> {
        self.store().list_provisioned(client, request, start).await
    }

    /// Adds the user that `provision` describes, with the id and time of `user`.
    pub async fn create_provisioned(
        &self,
        client: &Arc<str>,
        user: User,
        provision: Provision,
        actor: Option<Actor>,
    ) -> Outcome<User> {
        let store = self.store();
        store
            .create_provisioned(client, user, provision, actor)
            .await
    }

    /// Makes of a user what `change` makes of it, if the condition holds: all of it or nothing.
    pub async fn change_provisioned<E>(
        &self,
        client: &Arc<str>,
        id: UserId,
        condition: Condition,
        stamp: Stamp,
        change: impl Fn(&ProvisionedUser, ScimProfile) -> Result<Option<Provision>, E>
        + Send
        + Sync
        + 'static,
    ) -> Result<ProvisionedUser, E>
    where
        E: From<DirectoryError> + Send + 'static,
    {
        let change = move |present: &ProvisionedUser, profile| {
            condition.check(&present.user)?;
            change(present, profile)
        };
        let store = self.store();
        store.change_provisioned(client, id, stamp, change).await
    }
}
