//! The parameters of the writes: one array for each column, one element for each user.

use super::work::{Change, Provisioning};
use crate::domain::{ExternalId, FoldedKey, ProviderAttributes, Provision};
use crate::store::columns::UserArrays;
use tokio_postgres::types::ToSql;

/// The users that a batch creates.
pub(super) fn created(batch: &[Provisioning]) -> Arrays<'_> {
    let mut arrays = Arrays::default();
    for work in batch {
        if let Provisioning::Create {
            user,
            client,
            attributes,
            external_id,
            actor,
        } = work
        {
            let (at, actor) = (user.created_at, actor.as_ref());
            arrays.users.push(user.id, &user.profile, at, actor);
            arrays.push(client, attributes, external_id.as_ref());
        }
    }
    arrays
}

/// The users that were decided to be changed.
pub(super) fn changed<'a>(decided: &'a [(&'a Change, Box<Provision>)]) -> Arrays<'a> {
    let mut arrays = Arrays::default();
    for (change, provision) in decided {
        let (at, actor) = (change.stamp.at, change.stamp.actor.as_ref());
        arrays.users.push(change.id, &provision.profile, at, actor);
        let external_id = provision.external_id.as_ref();
        arrays.push(&change.client, &provision.attributes, external_id);
    }
    arrays
}

/// Several users to be written, one array for each column.
#[derive(Default)]
pub(super) struct Arrays<'a> {
    users: UserArrays<'a>,
    clients: Vec<&'a str>,
    external_ids: Vec<Option<&'a str>>,
    documents: Vec<&'a str>,
    user_name_keys: Vec<Option<&'a str>>,
    email_keys: Vec<Option<String>>,
}

impl<'a> Arrays<'a> {
    /// Adds what a provider wrote of the user that was added to `users`.
    fn push(
        &mut self,
        client: &'a str,
        attributes: &'a ProviderAttributes,
        external_id: Option<&'a ExternalId>,
    ) {
        self.clients.push(client);
        self.external_ids.push(external_id.map(ExternalId::as_str));
        self.documents.push(&attributes.document);
        let user_name = attributes.user_name.as_ref();
        self.user_name_keys.push(user_name.map(FoldedKey::as_str));
        let emails: Vec<&str> = attributes.emails.iter().map(FoldedKey::as_str).collect();
        self.email_keys
            .push((!emails.is_empty()).then(|| emails.join("\u{1}")));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.users.is_empty()
    }

    pub(super) fn parameters(&self) -> Vec<&(dyn ToSql + Sync)> {
        let mut parameters = self.users.parameters_with_derived();
        parameters.extend([
            &self.clients as &(dyn ToSql + Sync),
            &self.external_ids,
            &self.documents,
            &self.user_name_keys,
            &self.email_keys,
        ]);
        parameters
    }
}
