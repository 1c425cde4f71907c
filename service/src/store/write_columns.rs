//! Writes turned on their side: one array for each column, as the set-based statements take them.

use super::grams::{Grams, index_grams};
use crate::domain::{
    IdempotencyClaim, Label, PhoneNumber, Profile, Timestamp, UserId, Version, fold::fold,
};
use std::time::SystemTime;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

/// The profiles of several users.
#[derive(Default)]
pub(super) struct Profiles<'a> {
    ids: Vec<Uuid>,
    emails: Vec<&'a str>,
    email_keys: Vec<String>,
    names: Vec<&'a str>,
    name_keys: Vec<String>,
    phones: Vec<Option<&'a str>>,
    titles: Vec<Option<&'a str>>,
    departments: Vec<Option<&'a str>>,
    statuses: Vec<&'a str>,
    times: Vec<SystemTime>,
    grams: Vec<Grams>,
}

impl<'a> Profiles<'a> {
    pub(super) fn push(&mut self, id: UserId, profile: &'a Profile, at: Timestamp) {
        let email_key = profile.email.key();
        let name_key = fold(profile.name.as_str());
        self.ids.push(id.0);
        self.grams.push(index_grams([&name_key, &email_key]));
        self.emails.push(profile.email.as_str());
        self.email_keys.push(email_key);
        self.names.push(profile.name.as_str());
        self.name_keys.push(name_key);
        self.phones
            .push(profile.phone.as_ref().map(PhoneNumber::as_str));
        self.titles.push(profile.title.as_ref().map(Label::as_str));
        self.departments
            .push(profile.department.as_ref().map(Label::as_str));
        self.statuses.push(profile.status.as_str());
        self.times.push(at.to_system_time());
    }

    pub(super) fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// The parameters of `write_sql::CREATE`.
    pub(super) fn create_values(&self) -> Vec<&(dyn ToSql + Sync)> {
        let mut values = vec![&self.ids as &(dyn ToSql + Sync)];
        values.extend(self.columns());
        values.extend([&self.times as &(dyn ToSql + Sync), &self.grams]);
        values
    }

    /// The parameters of `write_sql::replace`.
    pub(super) fn replace_values<'v>(
        &'v self,
        expectations: &'v Expectations,
    ) -> Vec<&'v (dyn ToSql + Sync)> {
        let mut values = vec![&self.ids as &(dyn ToSql + Sync), &expectations.versions];
        values.extend(self.columns());
        values.extend([&self.times as &(dyn ToSql + Sync), &self.grams]);
        values
    }

    fn columns(&self) -> [&(dyn ToSql + Sync); 8] {
        [
            &self.emails,
            &self.email_keys,
            &self.names,
            &self.name_keys,
            &self.phones,
            &self.titles,
            &self.departments,
            &self.statuses,
        ]
    }
}

/// The versions that several writes demand of their users.
#[derive(Default)]
pub(super) struct Expectations {
    ids: Vec<Uuid>,
    versions: Vec<Option<i64>>,
    times: Vec<SystemTime>,
}

impl Expectations {
    pub(super) fn push(&mut self, id: UserId, expected: Option<Version>, at: Timestamp) {
        self.ids.push(id.0);
        self.versions.push(expected.map(|version| version.0));
        self.times.push(at.to_system_time());
    }

    pub(super) fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// The parameters of `write_sql::delete`.
    pub(super) fn delete_values(&self) -> Vec<&(dyn ToSql + Sync)> {
        vec![&self.ids, &self.versions, &self.times]
    }
}

/// The idempotency keys under which several users are created.
#[derive(Default)]
pub(super) struct Claims<'a> {
    clients: Vec<&'a str>,
    keys: Vec<&'a str>,
    fingerprints: Vec<&'a [u8]>,
}

impl<'a> Claims<'a> {
    pub(super) fn push(&mut self, claim: &'a IdempotencyClaim) {
        self.clients.push(&claim.client);
        self.keys.push(claim.key.as_str());
        self.fingerprints.push(&claim.fingerprint);
    }

    /// The parameters of `write_sql::CLAIM`.
    pub(super) fn values<'v>(&'v self, users: &'v Profiles<'a>) -> Vec<&'v (dyn ToSql + Sync)> {
        vec![
            &self.clients,
            &self.keys,
            &self.fingerprints,
            &users.ids,
            &users.emails,
            &users.names,
            &users.phones,
            &users.titles,
            &users.departments,
            &users.statuses,
            &users.times,
        ]
    }

    /// The parameters of `write_sql::CREATE_CLAIMED`.
    pub(super) fn create_values<'v>(
        &'v self,
        users: &'v Profiles<'a>,
    ) -> Vec<&'v (dyn ToSql + Sync)> {
        let mut values = users.create_values();
        values.extend([
            &self.clients as &(dyn ToSql + Sync),
            &self.keys,
            &self.fingerprints,
        ]);
        values
    }
}
