//! Reads of users with what providers wrote of them, in one statement, so that a version never comes with the attributes of
//! another.

use super::sql;
use crate::domain::{ExternalId, Lookup, PageRequest, ProvisionedUser, UserId, UserStatus};
use crate::store::columns::RowReader;
use crate::store::observed::Statement;
use crate::store::pool::{self, Pool};
use crate::store::shared_client::SharedClients;
use crate::store::sql_error::StoreError;
use std::collections::HashMap;
use tokio_postgres::Row;
use tokio_postgres::types::{ToSql, Type};
use uuid::Uuid;

/// By what users are read.
#[derive(Clone, Copy)]
pub(super) enum Key<'a> {
    Id(UserId),
    Ids(&'a [Uuid]),
    UserName(&'a str),
    Email(&'a str),
    ExternalId(&'a str),
}

impl<'a> Key<'a> {
    pub(super) fn of(lookup: &'a Lookup) -> Self {
        match lookup {
            Lookup::Id(id) => Self::Id(*id),
            Lookup::UserName(key) => Self::UserName(key.as_str()),
            Lookup::Email(key) => Self::Email(key.as_str()),
            Lookup::ExternalId(id) => Self::ExternalId(id.as_str()),
        }
    }
}

/// Reads the users that `key` finds, in any order.
pub(super) async fn read(
    pool: &Pool,
    shared: &SharedClients,
    key: Key<'_>,
    client: &str,
) -> Result<Vec<ProvisionedUser>, StoreError> {
    let one: &[Uuid];
    let id_of_one;
    let (statement, value): (&str, &(dyn ToSql + Sync)) = match &key {
        Key::Id(id) => {
            id_of_one = [id.0];
            one = &id_of_one;
            (&sql::BY_IDS, &one)
        }
        Key::Ids(ids) => (&sql::BY_IDS, ids),
        Key::UserName(key) => (&sql::BY_USER_NAME, key),
        Key::Email(key) => (&sql::BY_EMAIL, key),
        Key::ExternalId(id) => (&sql::BY_EXTERNAL_ID, id),
    };
    let rows = shared
        .run(|used| async move {
            let running = pool.observed.begin(Statement::ReadProvisioned);
            let rows = async {
                let prepared = used.client().prepare_cached(statement).await?;
                Ok(used.client().query(&prepared, &[value, &client]).await?)
            };
            let rows = running.end(rows.await);
            (used, rows)
        })
        .await?;
    rows.iter().map(provisioned).collect()
}

fn provisioned(row: &Row) -> Result<ProvisionedUser, StoreError> {
    let mut row = RowReader::new(row);
    Ok(ProvisionedUser {
        user: row.user()?,
        document: row.read()?,
        external_id: row.read::<Option<&str>>()?.map(ExternalId::from_stored),
    })
}

/// The users in the order of their ids.
pub(super) fn in_order(ids: &[Uuid], users: Vec<ProvisionedUser>) -> Vec<ProvisionedUser> {
    let mut by_id: HashMap<Uuid, ProvisionedUser> = users
        .into_iter()
        .map(|user| (user.user.id.0, user))
        .collect();
    ids.iter().filter_map(|id| by_id.remove(id)).collect()
}

/// The ids of a page behind `offset` users, and how many users there are in all.
pub(super) async fn page_by_offset(
    pool: &Pool,
    request: &PageRequest,
    offset: u32,
) -> Result<(Vec<Uuid>, u64), StoreError> {
    let status = request.filters.status.map(UserStatus::as_str);
    let sql = &sql::page_by_offset(
        request.sort.field,
        request.sort.descending,
        status.is_some(),
    );
    let (limit, offset) = (i64::from(request.limit), i64::from(offset));
    pool::with_client(pool, |guard| async move {
        let running = pool.observed.begin(Statement::ListUsers);
        let mut parameters: Vec<(&(dyn ToSql + Sync), Type)> = vec![
            (&limit as &(dyn ToSql + Sync), Type::INT8),
            (&offset as &(dyn ToSql + Sync), Type::INT8),
        ];
        if let Some(status) = &status {
            parameters.push((status as &(dyn ToSql + Sync), Type::TEXT));
        }
        let page = async {
            let rows = guard.client().query_typed(sql, &parameters).await?;
            let row = rows
                .first()
                .ok_or_else(|| StoreError::Row("a page without its count".into()))?;
            let mut row = RowReader::new(row);
            let total: i64 = row.read()?;
            Ok((row.read()?, total.unsigned_abs()))
        };
        let page = running.end(page.await);
        (guard, page)
    })
    .await
}
