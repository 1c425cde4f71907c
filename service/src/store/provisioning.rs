//! Users as providers keep them over SCIM: their attributes beside the row of the user, in tables of their own.
//!
//! A lane of its own makes the writes, so that those of other clients carry nothing of it. All writes take the advisory lock
//! (docs/adr/0002), whichever lane they come from.

mod arrays;
mod batch;
mod reads;
mod sql;
mod work;

use super::PgUserStore;
use super::deadline::within_deadline;
use super::limits::Limits;
use super::page_reads::PageReads;
use super::pool::Pool;
use super::shared_client::SharedClients;
use super::sql_error::StoreError;
use super::write_queue::{RefusalReason, WriteQueue};
use crate::domain::{
    Actor, DirectoryError, Lookup, PageRequest, PageStart, Provision, ProvisionedPage,
    ProvisionedUser, ProvisioningStore, ScimProfile, Stamp, User, UserId,
};
use std::sync::Arc;
use tokio::time::Instant;
use work::{Change, Decision, Outcome, Provisioning};

/// Reads and writes of providers.
pub(super) struct ProvisionedUsers {
    pool: Pool,
    limits: Limits,
    clients: SharedClients,
    queue: WriteQueue<Provisioning>,
}

impl ProvisionedUsers {
    pub(super) fn new(pool: Pool, limits: Limits) -> Self {
        Self {
            clients: SharedClients::new(pool.clone()),
            queue: WriteQueue::new(pool.clone(), limits),
            pool,
            limits,
        }
    }

    async fn list(
        &self,
        pages: &PageReads,
        client: &str,
        request: &PageRequest,
        start: PageStart,
    ) -> Result<ProvisionedPage, DirectoryError> {
        let (ids, next, total) = match start {
            PageStart::Cursor => {
                let page = pages.read(request).await?;
                let page = page.ok_or(DirectoryError::CursorExpired)?;
                let ids = page.users.iter().map(|user| user.id.0).collect();
                (ids, page.next.clone(), None)
            }
            PageStart::Offset(offset) => {
                let read = reads::page_by_offset(&self.pool, request, offset);
                let deadline = Instant::now() + self.limits.store_timeout;
                let (ids, total) = within_deadline(&self.pool, deadline, read).await?;
                (ids, None, Some(total))
            }
        };
        let users = if ids.is_empty() {
            Vec::new()
        } else {
            self.read(reads::Key::Ids(&ids), client).await?
        };
        Ok(ProvisionedPage {
            // In the order of the page; a user that was deleted meanwhile is left out.
            users: reads::in_order(&ids, users),
            next,
            total,
        })
    }

    async fn read(
        &self,
        key: reads::Key<'_>,
        client: &str,
    ) -> Result<Vec<ProvisionedUser>, StoreError> {
        let deadline = Instant::now() + self.limits.store_timeout;
        let read = reads::read(&self.pool, &self.clients, key, client);
        within_deadline(&self.pool, deadline, read).await
    }
}

impl ProvisioningStore for PgUserStore {
    async fn look_up(
        &self,
        client: &Arc<str>,
        lookups: &[Lookup],
    ) -> Result<Vec<ProvisionedUser>, DirectoryError> {
        let mut found: Vec<ProvisionedUser> = Vec::new();
        for lookup in lookups {
            let users = self
                .provisioned
                .read(reads::Key::of(lookup), client)
                .await?;
            for user in users {
                // Of a user that was changed between two statements, the newer one counts.
                found.retain(|known| known.user.id != user.user.id);
                found.push(user);
            }
        }
        Ok(found)
    }

    async fn list_provisioned(
        &self,
        client: &Arc<str>,
        request: &PageRequest,
        start: PageStart,
    ) -> Result<ProvisionedPage, DirectoryError> {
        let provisioned = &self.provisioned;
        provisioned.list(&self.pages, client, request, start).await
    }

    async fn create_provisioned(
        &self,
        client: &Arc<str>,
        user: User,
        provision: Provision,
        actor: Option<Actor>,
    ) -> Result<User, DirectoryError> {
        let work = Provisioning::Create {
            user,
            client: client.clone(),
            attributes: provision.attributes,
            external_id: provision.external_id,
            actor,
        };
        match self.provisioned.queue.write(work).await? {
            (Provisioning::Create { user, .. }, Outcome::Created) => Ok(user),
            (_, outcome) => Err(outcome.refusal()),
        }
    }

    async fn change_provisioned<E>(
        &self,
        client: &Arc<str>,
        id: UserId,
        stamp: Stamp,
        change: impl Fn(&ProvisionedUser, ScimProfile) -> Result<Option<Provision>, E>
        + Send
        + Sync
        + 'static,
    ) -> Result<ProvisionedUser, E>
    where
        E: From<DirectoryError> + Send + 'static,
    {
        // The reason of a refusal stays with this request.
        let reason = RefusalReason::new();
        let last_reason = reason.clone();
        let decision =
            Box::new(
                move |present: &ProvisionedUser, profile| match change(present, profile) {
                    Ok(Some(provision)) => Decision::Write(Box::new(provision)),
                    Ok(None) => Decision::Nothing,
                    Err(error) => {
                        last_reason.keep(error);
                        Decision::Refuse
                    }
                },
            );
        let work = Provisioning::Change(Change {
            id,
            client: client.clone(),
            stamp,
            decision,
        });
        match self.provisioned.queue.write(work).await?.1 {
            Outcome::Changed(user) => Ok(*user),
            Outcome::Panicked(payload) => std::panic::resume_unwind(payload),
            Outcome::Refused => Err(reason
                .take()
                .unwrap_or_else(|| Outcome::Refused.refusal().into())),
            outcome => Err(outcome.refusal().into()),
        }
    }
}
