//! Keeps the directory in `PostgreSQL`. Only this folder names tokio-postgres, deadpool or SQL;
//! it knows nothing of HTTP, and of the domain only its values.

mod bulk;
mod changes;
mod clients;
mod columns;
mod connect_error;
mod connector;
mod database_url;
mod deadline;
mod decisions;
mod doubt;
mod email_keys;
mod feed_watch;
mod grams;
mod history;
mod idempotency;
mod lane_client;
mod lane_work;
mod limits;
mod lists;
pub mod migrations;
mod observed;
mod page_reads;
mod pool;
mod provisioning;
mod reads;
mod search_upkeep;
mod session;
mod shared_client;
mod sql_error;
mod sweep;
mod tls;
mod turn;
mod without_values;
mod work;
mod write_batch;
mod write_lane;
mod write_queue;
mod write_sql;
mod write_ticket;
mod writes;

use crate::domain::{
    Actor, ChangePage, Created, DirectoryError, FeedPosition, IdempotencyClaim, Page, PageRequest,
    Profile, Stamp, User, UserId, UserStore, Version,
};
use crate::metrics::Metrics;
use deadline::within_deadline;
use observed::Observed;
use session::ServerState;
use std::future::Future;
use std::sync::Arc;
use tokio::time::Instant;

pub use bulk::{PgExport, PgImport};
pub use clients::PgClientStore;
pub use connector::PoolSettings;
pub use database_url::{DatabaseUrl, DatabaseUrlError};
pub use email_keys::{EmailKeysReport, check_email_keys};
pub use limits::{BulkLimits, Limits};
pub use migrations::Lacking;
pub use sql_error::StoreError;
pub use sweep::SweepSettings;

/// Reads nothing, and needs the tables to be found and to be readable.
const PING: &str = "SELECT FROM users LIMIT 0";

/// What the database does for the time being.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Serves {
    /// Reads and writes.
    Everything,
    /// Reads: it is read-only.
    ReadsOnly,
}

/// The users of a directory in a `PostgreSQL` database.
pub struct PgUserStore {
    connector: connector::Connector,
    pool: pool::Pool,
    limits: Limits,
    reads: Arc<reads::PointReads>,
    pages: page_reads::PageReads,
    writes: Arc<writes::GroupedWrites>,
    bulk_pool: pool::Pool,
    snapshots: bulk::Snapshots,
    bulk_limits: BulkLimits,
    provisioned: provisioning::ProvisionedUsers,
    keys_in_progress: idempotency::KeysInProgress,
    feed_watch: feed_watch::FeedWatch,
}

impl PgUserStore {
    /// A store on the database that `settings` names. Connections are made when they are needed.
    ///
    /// # Errors
    /// When the settings for TLS cannot be used.
    pub fn new(settings: &PoolSettings, metrics: &Arc<Metrics>) -> Result<Self, StoreError> {
        let limits = settings.limits;
        let connector = connector::Connector::new(settings)?;
        let pool = pool::open(&connector, limits)?.observed(Observed::by(metrics));
        let of_bulk = Limits {
            size: settings.bulk.connections,
            ..limits
        };
        let bulk_pool = pool::open(&connector, of_bulk)?.observed(Observed::by(metrics));
        Ok(Self {
            reads: Arc::new(reads::PointReads::new(pool.clone(), limits)),
            pages: page_reads::PageReads::new(pool.clone(), limits),
            writes: Arc::new(writes::GroupedWrites::new(pool.clone(), limits)),
            bulk_pool,
            snapshots: bulk::Snapshots::default(),
            bulk_limits: settings.bulk,
            provisioned: provisioning::ProvisionedUsers::new(pool.clone(), limits),
            keys_in_progress: idempotency::KeysInProgress::default(),
            feed_watch: feed_watch::FeedWatch::start(connector.clone()),
            connector,
            pool,
            limits,
        })
    }

    /// Uses another password for every connection that is made from now on; present connections stay.
    pub fn set_password(&self, password: &str) {
        self.connector.set_password(password);
    }

    /// Connections in use, idle and awaited.
    pub fn pool_status(&self) -> deadpool_postgres::Status {
        self.pool.status()
    }

    /// How old a change may be of which this replica's readers were not notified.
    pub fn notification_lag(&self) -> std::time::Duration {
        self.feed_watch.notification_lag()
    }

    /// When a request that begins now has waited for the database for long enough.
    fn deadline(&self) -> Instant {
        Instant::now() + self.limits.store_timeout
    }

    /// Whether the database answers and has the tables, within the limits of a request, and what it does not do for the time
    /// being.
    ///
    /// # Errors
    /// When nobody can be served.
    pub async fn ping(&self) -> Result<Serves, StoreError> {
        let state = within_deadline(&self.pool, self.deadline(), async {
            let state = pool::server_state(&self.pool).await?;
            // Through the pool's own ways, so that a session whose role or search path does not fit leaves it.
            pool::with_client(&self.pool, |guard| async move {
                let outcome = guard.client().batch_execute(PING).await;
                (guard, outcome.map_err(StoreError::from))
            })
            .await?;
            Ok(state)
        })
        .await?;
        Ok(match state {
            ServerState::Writable => Serves::Everything,
            ServerState::ReadOnly | ServerState::Standby => Serves::ReadsOnly,
        })
    }

    /// The key that signs cursors, the same for every replica on this database.
    pub async fn cursor_key(&self) -> Result<[u8; 32], StoreError> {
        within_deadline(&self.pool, self.deadline(), async {
            let client = pool::get(&self.pool).await?;
            let row = client.query_one("SELECT key FROM cursor_keys", &[]).await?;
            let key: &[u8] = row.try_get(0)?;
            key.try_into()
                .map_err(|_| StoreError::Row("cursor_keys.key has not 32 bytes".into()))
        })
        .await
    }

    /// Which version the schema has, and whether this program can work with it.
    pub async fn check_schema(&self) -> Result<(), migrations::SchemaError> {
        check_schema(&self.pool).await
    }

    /// Makes the connection of the lane of point reads of the thread that runs this, and sends a read of no user over it. If that
    /// fails, the first request finds out why.
    pub fn warm_up(&self) -> impl Future<Output = ()> + Send + 'static {
        let reads = self.reads.clone();
        async move {
            let _ = reads.read(UserId(uuid::Uuid::nil())).await;
        }
    }

    /// Removes what is past its retention, in small batches, and tidies the search index, until the store is dropped.
    pub fn start_upkeep(&self, settings: SweepSettings) {
        sweep::start(self.pool.clone(), self.limits, settings);
        search_upkeep::start(self.pool.clone(), self.limits);
    }
}

async fn check_schema(pool: &pool::Pool) -> Result<(), migrations::SchemaError> {
    let client = pool::get(pool).await?;
    migrations::check(&client).await
}

impl UserStore for PgUserStore {
    async fn read(&self, id: UserId) -> Result<Option<Arc<User>>, DirectoryError> {
        Ok(self.reads.read(id).await?)
    }

    async fn create(
        &self,
        user: User,
        claim: Option<IdempotencyClaim>,
        actor: Option<Actor>,
    ) -> Result<Created, DirectoryError> {
        let _in_progress = match &claim {
            Some(claim) => Some(
                self.keys_in_progress
                    .enter(claim)
                    .ok_or(DirectoryError::IdempotencyInProgress)?,
            ),
            None => None,
        };
        self.writes.create(user, claim, actor).await
    }

    async fn replace(
        &self,
        id: UserId,
        profile: Profile,
        expected: Option<Version>,
        stamp: Stamp,
    ) -> Result<User, DirectoryError> {
        self.writes.replace(id, profile, expected, stamp).await
    }

    async fn delete(
        &self,
        id: UserId,
        expected: Option<Version>,
        stamp: Stamp,
    ) -> Result<(), DirectoryError> {
        self.writes.delete(id, expected, stamp).await
    }

    async fn replace_with<E>(
        &self,
        id: UserId,
        stamp: Stamp,
        replacement: impl Fn(&User) -> Result<Profile, E> + Send + Sync + 'static,
    ) -> Result<User, E>
    where
        E: From<DirectoryError> + Send + 'static,
    {
        self.writes.replace_with(id, stamp, replacement).await
    }

    async fn delete_if<E>(
        &self,
        id: UserId,
        stamp: Stamp,
        condition: impl Fn(&User) -> Result<(), E> + Send + Sync + 'static,
    ) -> Result<(), E>
    where
        E: From<DirectoryError> + Send + 'static,
    {
        self.writes.delete_if(id, stamp, condition).await
    }

    async fn list(&self, request: &PageRequest) -> Result<Arc<Page>, DirectoryError> {
        self.pages
            .read(request)
            .await?
            .ok_or(DirectoryError::CursorExpired)
    }

    async fn changes(
        &self,
        after: Option<FeedPosition>,
        limit: u8,
    ) -> Result<ChangePage, DirectoryError> {
        let changes = changes::read(&self.pool, after, limit);
        within_deadline(&self.pool, self.deadline(), changes)
            .await?
            .ok_or(DirectoryError::PositionExpired)
    }

    fn changed(&self) -> impl Future<Output = ()> + Send + 'static {
        self.feed_watch.next()
    }
}
