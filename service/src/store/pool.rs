//! Connections: how many, how long one waits for each thing, and how a broken one is kept from being used again.

use super::connector::{self, Connector};
use super::database_url::DatabaseUrl;
use super::observed::Observed;
use super::sql_error::StoreError;
use deadpool_postgres::{Manager, ManagerConfig, Object, RecyclingMethod, Runtime, Timeouts};
use std::future::Future;
use std::ops::Deref;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// How to reach the database.
#[derive(Clone, Debug)]
pub struct PoolSettings {
    /// Where the database is, and who asks.
    pub url: DatabaseUrl,
    /// Authorities that may sign the server's certificate, in PEM; those of the web when absent.
    pub ca_file: Option<PathBuf>,
    /// Limits of the connections.
    pub limits: Limits,
}

/// Limits of the connections.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The most connections at a time.
    pub size: usize,
    /// The longest wait for a free connection.
    pub wait_timeout: Duration,
    /// The longest wait for a new connection.
    pub connect_timeout: Duration,
    /// The longest run of a statement, kept by the server.
    pub statement_timeout: Duration,
    /// The longest wait for a row that somebody else has locked, kept by the server.
    pub lock_timeout: Duration,
    /// How long a connection may lie unused.
    pub idle_timeout: Duration,
    /// The longest that a request waits for the store in all: connection, queue and statement.
    pub store_timeout: Duration,
    /// The most point reads that join into one statement.
    pub max_read_batch: usize,
    /// The most writes that join into one transaction.
    pub max_write_batch: usize,
}

/// The connections, and where it is told how they do.
#[derive(Clone)]
pub(super) struct Pool {
    connections: deadpool_postgres::Pool,
    pub(super) observed: Observed,
}

impl Pool {
    /// The same connections, observed.
    pub(super) fn observed(self, observed: Observed) -> Self {
        Self { observed, ..self }
    }
}

impl Deref for Pool {
    type Target = deadpool_postgres::Pool;

    fn deref(&self) -> &Self::Target {
        &self.connections
    }
}

/// A pool of the connections that `connector` makes; nothing is connected yet.
pub(super) fn open(connector: &Connector, limits: Limits) -> Result<Pool, StoreError> {
    let recycling = ManagerConfig {
        recycling_method: RecyclingMethod::Fast,
    };
    // The configuration that the manager hands on is not used: the connector has the one of the moment.
    let manager =
        Manager::from_connect(tokio_postgres::Config::new(), connector.clone(), recycling);
    let connections = deadpool_postgres::Pool::builder(manager)
        .max_size(limits.size)
        .runtime(Runtime::Tokio1)
        .timeouts(Timeouts {
            wait: Some(limits.wait_timeout),
            create: Some(limits.connect_timeout),
            recycle: Some(limits.connect_timeout),
        })
        .build()
        .map_err(|error| StoreError::Tls(error.to_string()))?;
    retire_idle(connections.clone(), limits.idle_timeout);
    Ok(Pool {
        connections,
        observed: Observed::default(),
    })
}

/// Closes connections that nobody has used for `idle_timeout`, so that a quiet service holds few.
fn retire_idle(pool: deadpool_postgres::Pool, idle_timeout: Duration) {
    if idle_timeout.is_zero() {
        return;
    }
    tokio::spawn(async move {
        let mut tick = tokio::time::interval(idle_timeout.min(Duration::from_secs(30)));
        while !pool.is_closed() {
            tick.tick().await;
            pool.retain(|client, metrics| {
                !client.is_closed() && metrics.last_used() < idle_timeout
            });
        }
    });
}

/// A connection from the pool.
pub(super) async fn get(pool: &Pool) -> Result<Object, StoreError> {
    let asked = Instant::now();
    let got = pool.connections.get().await;
    pool.observed.pool_waited(asked.elapsed());
    got.map_err(|error| {
        let error = match StoreError::from(error) {
            StoreError::PoolExhausted { .. } => {
                let status = pool.status();
                StoreError::PoolExhausted {
                    in_use: status.size - status.available,
                    max: status.max_size,
                }
            }
            error => error,
        };
        pool.observed.failed(&error);
        error
    })
}

/// A connection for a lane, which keeps it until it breaks.
///
/// Its few statements take arrays, whose cost does not depend on what is in them; `PostgreSQL` would nevertheless plan
/// short ones anew at every call, for several times the cost of running them.
pub(super) async fn get_for_lane(pool: &Pool) -> Result<Object, StoreError> {
    let client = get_made_here(pool).await?;
    client
        .batch_execute("SET plan_cache_mode = force_generic_plan")
        .await?;
    Ok(client)
}

/// A connection that is driven by the calling thread, which then wakes no other for each statement.
async fn get_made_here(pool: &Pool) -> Result<Object, StoreError> {
    loop {
        let made = connector::made_on_this_thread();
        let client = get(pool).await?;
        // Another task of this thread may have made one meanwhile: then this one is taken for it, and merely slower.
        if connector::made_on_this_thread() != made {
            return Ok(client);
        }
        discard(client);
    }
}

/// Takes a connection out of the pool for good, so that nobody is handed it again.
pub(super) fn discard(client: Object) {
    drop(Object::take(client));
}

/// Closes every idle connection: when one is found dead, those beside it most likely are, and a second attempt
/// has to meet a new one.
pub(super) fn discard_idle(pool: &Pool) {
    pool.retain(|_, _| false);
}

/// Bounds everything that one request asks of the store, and counts when the bound is met.
pub(super) async fn within<T>(
    pool: &Pool,
    limits: &Limits,
    work: impl Future<Output = Result<T, StoreError>>,
) -> Result<T, StoreError> {
    let Ok(outcome) = tokio::time::timeout(limits.store_timeout, work).await else {
        pool.observed.failed(&StoreError::TimedOut);
        return Err(StoreError::TimedOut);
    };
    outcome
}

/// Runs `work` with a pooled connection, which is thrown away when it breaks or is given up half-way.
/// `work` hands the connection back beside its outcome. A connection that turns out to be dead is replaced once,
/// so `work` has to be safe to repeat.
pub(super) async fn with_client<T, W>(
    pool: &Pool,
    mut work: impl FnMut(DiscardUnlessDone) -> W,
) -> Result<T, StoreError>
where
    W: Future<Output = (DiscardUnlessDone, Result<T, StoreError>)>,
{
    let mut failed_over = false;
    loop {
        let (guard, outcome) = work(DiscardUnlessDone::new(get(pool).await?)).await;
        match outcome {
            Err(error) if error.is_connection_loss() && !failed_over => {
                failed_over = true;
                discard_idle(pool);
            }
            Err(error) if error.is_connection_loss() => return Err(error),
            outcome => {
                guard.done();
                return outcome;
            }
        }
    }
}

/// Throws a connection away unless the work on it was done: given up half-way, its answer may still be under way.
pub(super) struct DiscardUnlessDone(Option<Object>);

impl DiscardUnlessDone {
    pub(super) fn new(client: Object) -> Self {
        Self(Some(client))
    }

    pub(super) fn client(&self) -> &Object {
        match &self.0 {
            Some(client) => client,
            None => unreachable!("only done() and drop() empty the guard, and both end it"),
        }
    }

    /// Gives the connection back to the pool.
    pub(super) fn done(mut self) {
        self.0.take();
    }
}

impl Drop for DiscardUnlessDone {
    fn drop(&mut self) {
        if let Some(client) = self.0.take() {
            discard(client);
        }
    }
}
