//! Keeps the API clients. Off the hot path: a client is looked up when it asks for a token, not when it uses one.

use super::connector::PoolSettings;
use super::deadline::within_deadline;
use super::limits::Limits;
use super::migrations::SchemaError;
use super::pool::{self, Object, Pool};
use super::sql_error::StoreError;
use super::{PgUserStore, connector};
use crate::domain::client::ClientOutcome;
use crate::domain::{
    ApiClient, ClientId, ClientStore, ClientToken, ClientTokenStore, DirectoryError, ScimProfile,
    Scope, SecretHash, Timestamp, TokenHash,
};
use std::time::SystemTime;
use tokio::time::Instant;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

/// Repeated after a connection broke, it finds what it added itself: no two hashes are the same.
const ADD: &str = "
INSERT INTO clients (id, name, secret_hash, scopes, created_at, scim_profile) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (id) DO UPDATE SET name = excluded.name WHERE clients.secret_hash = excluded.secret_hash
RETURNING id";
const FIND: &str = "
SELECT id, name, secret_hash, scopes, created_at, revoked_at, scim_profile FROM clients WHERE id = $1";
const LIST: &str = "
SELECT id, name, secret_hash, scopes, created_at, revoked_at, scim_profile FROM clients ORDER BY created_at, id";
/// Repeated, it finds the time that it wrote itself.
const REVOKE: &str = "
UPDATE clients SET revoked_at = $2 WHERE id = $1 AND coalesce(revoked_at, $2) = $2 RETURNING id";
/// Repeated after a connection broke, it finds what it added itself.
const ADD_TOKEN: &str = "
INSERT INTO client_tokens (id, client, name, token_hash, created_at, expires_at)
SELECT $1, id, $3, $4, $5, $6 FROM clients WHERE id = $2 AND revoked_at IS NULL
ON CONFLICT (id) DO UPDATE SET name = excluded.name WHERE client_tokens.token_hash = excluded.token_hash
RETURNING id";
const FIND_BY_TOKEN: &str = "
SELECT c.id, c.name, c.secret_hash, c.scopes, c.created_at, c.revoked_at, c.scim_profile
FROM client_tokens t JOIN clients c ON c.id = t.client
WHERE t.token_hash = $1 AND t.revoked_at IS NULL AND c.revoked_at IS NULL AND (t.expires_at IS NULL OR t.expires_at > $2)";
const LIST_TOKENS: &str = "
SELECT id, client, name, created_at, expires_at, revoked_at FROM client_tokens ORDER BY created_at, id";
/// Repeated, it finds the time that it wrote itself.
const REVOKE_TOKEN: &str = "
UPDATE client_tokens SET revoked_at = $2 WHERE id = $1 AND coalesce(revoked_at, $2) = $2 RETURNING id";

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

    /// Whether the schema is one that this program can work with.
    ///
    /// # Errors
    /// Says what the schema or the role lacks.
    pub async fn check_schema(&self) -> Result<(), SchemaError> {
        super::check_schema(&self.pool).await
    }

    /// Runs one statement, which must be safe to repeat.
    async fn rows(
        &self,
        statement: &str,
        parameters: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Row>, DirectoryError> {
        let work = pool::with_client(&self.pool, |guard| async move {
            let rows = query(guard.client(), statement, parameters).await;
            (guard, rows)
        });
        let deadline = Instant::now() + self.limits.store_timeout;
        Ok(within_deadline(&self.pool, deadline, work).await?)
    }
}

impl ClientStore for PgClientStore {
    fn add<'a>(&'a self, client: &'a ApiClient) -> ClientOutcome<'a, bool> {
        Box::pin(async move {
            let scopes: Vec<&str> = client.scopes.iter().map(Scope::as_str).collect();
            let added = self
                .rows(
                    ADD,
                    &[
                        &client.id.as_str(),
                        &client.name,
                        &client.secret_hash.as_str(),
                        &scopes,
                        &client.created_at.to_system_time(),
                        &(client.scim_profile != ScimProfile::default())
                            .then(|| client.scim_profile.as_str()),
                    ],
                )
                .await?;
            Ok(!added.is_empty())
        })
    }

    fn find<'a>(&'a self, id: &'a ClientId) -> ClientOutcome<'a, Option<ApiClient>> {
        Box::pin(async move {
            let found = self.rows(FIND, &[&id.as_str()]).await?;
            Ok(found.first().map(client_of).transpose()?)
        })
    }

    fn list(&self) -> ClientOutcome<'_, Vec<ApiClient>> {
        Box::pin(async move {
            let clients = self.rows(LIST, &[]).await?;
            Ok(clients.iter().map(client_of).collect::<Result<_, _>>()?)
        })
    }

    fn revoke<'a>(&'a self, id: &'a ClientId, at: Timestamp) -> ClientOutcome<'a, bool> {
        Box::pin(async move {
            let revoked = self
                .rows(REVOKE, &[&id.as_str(), &at.to_system_time()])
                .await?;
            Ok(!revoked.is_empty())
        })
    }
}

impl ClientTokenStore for PgClientStore {
    fn add_token<'a>(&'a self, token: &'a ClientToken, hash: TokenHash) -> ClientOutcome<'a, bool> {
        Box::pin(async move {
            let added = self
                .rows(
                    ADD_TOKEN,
                    &[
                        &token.id,
                        &token.client.as_str(),
                        &token.name,
                        &&hash.0[..],
                        &token.created_at.to_system_time(),
                        &token.expires_at.map(Timestamp::to_system_time),
                    ],
                )
                .await?;
            Ok(!added.is_empty())
        })
    }

    fn find_by_token(
        &self,
        hash: TokenHash,
        at: Timestamp,
    ) -> ClientOutcome<'_, Option<ApiClient>> {
        Box::pin(async move {
            let found = self
                .rows(FIND_BY_TOKEN, &[&&hash.0[..], &at.to_system_time()])
                .await?;
            Ok(found.first().map(client_of).transpose()?)
        })
    }

    fn list_tokens(&self) -> ClientOutcome<'_, Vec<ClientToken>> {
        Box::pin(async move {
            let tokens = self.rows(LIST_TOKENS, &[]).await?;
            Ok(tokens.iter().map(token_of).collect::<Result<_, _>>()?)
        })
    }

    fn revoke_token<'a>(&'a self, id: &'a str, at: Timestamp) -> ClientOutcome<'a, bool> {
        Box::pin(async move {
            let revoked = self
                .rows(REVOKE_TOKEN, &[&id, &at.to_system_time()])
                .await?;
            Ok(!revoked.is_empty())
        })
    }
}

fn token_of(row: &Row) -> Result<ClientToken, StoreError> {
    let client: &str = row.try_get(1)?;
    let time = |at: Option<SystemTime>| at.map(Timestamp::from);
    Ok(ClientToken {
        id: row.try_get(0)?,
        client: ClientId::parse(client)
            .ok_or_else(|| StoreError::Row("client_tokens.client".into()))?,
        name: row.try_get(2)?,
        created_at: row.try_get::<_, SystemTime>(3)?.into(),
        expires_at: time(row.try_get(4)?),
        revoked_at: time(row.try_get(5)?),
    })
}

async fn query(
    client: &Object,
    statement: &str,
    parameters: &[&(dyn ToSql + Sync)],
) -> Result<Vec<Row>, StoreError> {
    let statement = client.prepare_cached(statement).await?;
    Ok(client.query(&statement, parameters).await?)
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
        scim_profile: scim_profile_of(row.try_get(6)?)?,
    })
}

/// The profile that a client's row holds; NULL is the default.
pub(super) fn scim_profile_of(stored: Option<&str>) -> Result<ScimProfile, StoreError> {
    let unreadable = || StoreError::Row("clients.scim_profile".into());
    stored.map_or_else(
        || Ok(ScimProfile::default()),
        |name| ScimProfile::parse(name).ok_or_else(unreadable),
    )
}
