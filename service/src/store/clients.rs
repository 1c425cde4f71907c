//! Keeps the API clients. Off the hot path: a client is looked up when it asks for a token, not when it uses one.

use super::pool::{self, Limits, Pool, PoolSettings};
use super::sql_error::StoreError;
use super::{PgUserStore, connector};
use crate::domain::client::ClientOutcome;
use crate::domain::{
    ApiClient, ClientId, ClientStore, DirectoryError, Scope, SecretHash, Timestamp,
};
use std::time::SystemTime;
use tokio_postgres::Row;

const ADD: &str = "
INSERT INTO clients (id, name, secret_hash, scopes, created_at) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING";
const FIND: &str = "
SELECT id, name, secret_hash, scopes, created_at, revoked_at FROM clients WHERE id = $1";
const LIST: &str = "
SELECT id, name, secret_hash, scopes, created_at, revoked_at FROM clients ORDER BY created_at, id";
const REVOKE: &str = "
UPDATE clients SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL";

/// The API clients in a `PostgreSQL` database.
pub struct PgClientStore {
    pool: Pool,
    limits: Limits,
}

impl PgUserStore {
    /// The API clients in the same database, over the same connections.
    pub fn clients(&self) -> PgClientStore {
        PgClientStore {
            pool: self.pool.clone(),
            limits: self.limits,
        }
    }
}

impl PgClientStore {
    /// The clients in the database that `settings` names, without anything that serves users.
    ///
    /// # Errors
    /// When the settings for TLS cannot be used.
    pub fn new(settings: &PoolSettings) -> Result<Self, StoreError> {
        let connector = connector::Connector::new(settings)?;
        Ok(Self {
            pool: pool::open(&connector, settings.limits)?,
            limits: settings.limits,
        })
    }

    async fn add(&self, client: &ApiClient) -> Result<bool, StoreError> {
        let scopes: Vec<&str> = client.scopes.iter().map(Scope::as_str).collect();
        let created_at = client.created_at.to_system_time();
        let connection = pool::get(&self.pool).await?;
        let statement = connection.prepare_cached(ADD).await?;
        let added = connection
            .execute(
                &statement,
                &[
                    &client.id.as_str(),
                    &client.name,
                    &client.secret_hash.as_str(),
                    &scopes,
                    &created_at,
                ],
            )
            .await?;
        Ok(added == 1)
    }

    async fn find(&self, id: &ClientId) -> Result<Option<ApiClient>, StoreError> {
        let connection = pool::get(&self.pool).await?;
        let statement = connection.prepare_cached(FIND).await?;
        connection
            .query_opt(&statement, &[&id.as_str()])
            .await?
            .map(|row| client_of(&row))
            .transpose()
    }

    async fn list(&self) -> Result<Vec<ApiClient>, StoreError> {
        let connection = pool::get(&self.pool).await?;
        connection
            .query(LIST, &[])
            .await?
            .iter()
            .map(client_of)
            .collect()
    }

    async fn revoke(&self, id: &ClientId, at: Timestamp) -> Result<bool, StoreError> {
        let connection = pool::get(&self.pool).await?;
        Ok(connection
            .execute(REVOKE, &[&id.as_str(), &at.to_system_time()])
            .await?
            == 1)
    }

    async fn within<T>(
        &self,
        work: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, DirectoryError> {
        Ok(pool::within(&self.limits, work).await?)
    }
}

impl ClientStore for PgClientStore {
    fn add<'a>(&'a self, client: &'a ApiClient) -> ClientOutcome<'a, bool> {
        Box::pin(self.within(self.add(client)))
    }

    fn find<'a>(&'a self, id: &'a ClientId) -> ClientOutcome<'a, Option<ApiClient>> {
        Box::pin(self.within(self.find(id)))
    }

    fn list(&self) -> ClientOutcome<'_, Vec<ApiClient>> {
        Box::pin(self.within(self.list()))
    }

    fn revoke<'a>(&'a self, id: &'a ClientId, at: Timestamp) -> ClientOutcome<'a, bool> {
        Box::pin(self.within(self.revoke(id, at)))
    }
}

fn client_of(row: &Row) -> Result<ApiClient, StoreError> {
    let unreadable = |what: &str| StoreError::Row(format!("clients.{what}"));
    let id: &str = row.try_get(0)?;
    let scopes: Vec<&str> = row.try_get(3)?;
    let revoked_at: Option<SystemTime> = row.try_get(5)?;
    Ok(ApiClient {
        id: ClientId::parse(id).ok_or_else(|| unreadable("id"))?,
        name: row.try_get(1)?,
        secret_hash: SecretHash::from_stored(row.try_get(2)?),
        scopes: scopes
            .into_iter()
            .map(Scope::parse)
            .collect::<Option<_>>()
            .ok_or_else(|| unreadable("scopes"))?,
        created_at: row.try_get::<_, SystemTime>(4)?.into(),
        revoked_at: revoked_at.map(Timestamp::from),
    })
}
