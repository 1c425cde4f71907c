//! The store behind fuzzed requests: a directory with one user, and no registered client.

use crate::domain::client::ClientOutcome;
use crate::domain::{
    Actor, ApiClient, Change, ChangeId, ChangeKind, ChangePage, ClientId, ClientStore, Created,
    DirectoryError, FeedPosition, IdempotencyClaim, Lookup, Page, PageRequest, PageStart, Profile,
    Provision, ProvisionedPage, ProvisionedUser, ProvisioningStore, ScimProfile, Stamp, Timestamp,
    User, UserId, UserStore, Version,
};
use crate::http::api::fuzzing::ada;
use std::future::Future;
use std::sync::Arc;

type Outcome<T> = Result<T, DirectoryError>;

/// A directory with one user, which no write changes.
pub(super) struct OneUser;

impl UserStore for OneUser {
    async fn read(&self, id: UserId) -> Outcome<Option<Arc<User>>> {
        let ada = ada();
        Ok((ada.id == id).then(|| Arc::new(ada)))
    }

    async fn create(
        &self,
        user: User,
        _: Option<IdempotencyClaim>,
        _: Option<Actor>,
    ) -> Outcome<Created> {
        Ok(Created::Now(user))
    }

    async fn replace(
        &self,
        _: UserId,
        profile: Profile,
        _: Option<Version>,
        stamp: Stamp,
    ) -> Outcome<User> {
        Ok(User {
            profile,
            updated_at: stamp.at,
            ..ada()
        })
    }

    async fn delete(&self, _: UserId, _: Option<Version>, _: Stamp) -> Outcome<()> {
        Ok(())
    }

    async fn replace_with<E>(
        &self,
        _: UserId,
        _: Stamp,
        replacement: impl Fn(&User) -> Result<Profile, E> + Send + Sync + 'static,
    ) -> Result<User, E>
    where
        E: From<DirectoryError> + Send + 'static,
    {
        let profile = replacement(&ada())?;
        Ok(User { profile, ..ada() })
    }

    async fn delete_if<E>(
        &self,
        _: UserId,
        _: Stamp,
        condition: impl Fn(&User) -> Result<(), E> + Send + Sync + 'static,
    ) -> Result<(), E>
    where
        E: From<DirectoryError> + Send + 'static,
    {
        condition(&ada())
    }

    async fn list(&self, _: &PageRequest) -> Outcome<Arc<Page>> {
        Ok(Arc::new(Page::new(vec![ada()], None)))
    }

    /// Never empty, so that no reader waits.
    async fn changes(&self, _: Option<FeedPosition>, _: u8) -> Outcome<ChangePage> {
        let ada = ada();
        let position = FeedPosition {
            position: 1,
            change: Some(ChangeId {
                user: ada.id,
                version: ada.version,
            }),
        };
        let change = Change {
            position,
            kind: ChangeKind::Created,
            at: ada.created_at,
            actor: Some(Actor::new("billing".into())),
            id: ada.id,
            user: Some(ada),
        };
        Ok(ChangePage {
            changes: vec![change],
            seen_through: position,
        })
    }

    fn changed(&self) -> impl Future<Output = ()> + Send + 'static {
        std::future::ready(())
    }
}

fn provisioned() -> ProvisionedUser {
    ProvisionedUser {
        user: ada(),
        document: None,
        external_id: None,
    }
}

impl ProvisioningStore for OneUser {
    async fn look_up(&self, _: &Arc<str>, _: &[Lookup]) -> Outcome<Vec<ProvisionedUser>> {
        Ok(vec![provisioned()])
    }

    async fn list_provisioned(
        &self,
        _: &Arc<str>,
        _: &PageRequest,
        _: PageStart,
    ) -> Outcome<ProvisionedPage> {
        Ok(ProvisionedPage {
            users: vec![provisioned()],
            next: None,
            total: Some(1),
        })
    }

    async fn create_provisioned(
        &self,
        _: &Arc<str>,
        user: User,
        _: Provision,
        _: Option<Actor>,
    ) -> Outcome<User> {
        Ok(user)
    }

    async fn change_provisioned<E>(
        &self,
        _: &Arc<str>,
        _: UserId,
        _: Stamp,
        change: impl Fn(&ProvisionedUser, ScimProfile) -> Result<Option<Provision>, E>
        + Send
        + Sync
        + 'static,
    ) -> Result<ProvisionedUser, E>
    where
        E: From<DirectoryError> + Send + 'static,
    {
        let present = provisioned();
        Ok(match change(&present, ScimProfile::Entra)? {
            Some(provision) => ProvisionedUser {
                document: Some(provision.attributes.document),
                external_id: provision.external_id,
                ..present
            },
            None => present,
        })
    }
}

/// No client is registered.
pub(super) struct NoClients;

impl ClientStore for NoClients {
    fn add<'a>(&'a self, _: &'a ApiClient) -> ClientOutcome<'a, bool> {
        Box::pin(async { Ok(false) })
    }

    fn find<'a>(&'a self, _: &'a ClientId) -> ClientOutcome<'a, Option<ApiClient>> {
        Box::pin(async { Ok(None) })
    }

    fn list(&self) -> ClientOutcome<'_, Vec<ApiClient>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    fn revoke<'a>(&'a self, _: &'a ClientId, _: Timestamp) -> ClientOutcome<'a, bool> {
        Box::pin(async { Ok(false) })
    }
}
