//! Connections: how many, how long one waits for each thing, and how a broken one is kept from being used again.

use super::connect_error::ConnectError;
use super::connector::Connector;
use super::doubt::Doubt;
use super::limits::Limits;
use super::observed::Observed;
use super::session::{self, ServerState};
use super::sql_error::StoreError;
use deadpool::Runtime;
use deadpool::managed::{self, Metrics, PoolError, RecycleError, RecycleResult, Timeouts};
use deadpool_postgres::ClientWrapper;
use std::cell::Cell;
use std::future::Future;
use std::ops::Deref;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Notify;

/// A connection of the pool, with its prepared statements; it goes back when dropped.
pub(super) type Object = managed::Object<Sessions>;

/// How long to wait for a connection to come back before the server, which had none left to give, is asked again.
const REFUSED_PAUSE: Duration = Duration::from_millis(250);
/// How often it is looked whether one has come back.
const RETURN_POLL: Duration = Duration::from_millis(5);

thread_local! {
    /// How many connections this thread has made, and so drives.
    static MADE: Cell<u64> = const { Cell::new(0) };
}

/// The connections and their metrics.
#[derive(Clone)]
pub(super) struct Pool {
    connections: managed::Pool<Sessions>,
    wait_timeout: Duration,
    pub(super) observed: Observed,
    pub(super) doubt: Doubt,
    /// Notified after each write of a lane.
    pub(super) written: Arc<Notify>,
}

/// Makes the sessions of a pool.
pub(super) struct Sessions(Connector);

impl managed::Manager for Sessions {
    type Type = ClientWrapper;
    type Error = ConnectError;

    async fn create(&self) -> Result<ClientWrapper, ConnectError> {
        let opened = self.0.open().await?;
        MADE.set(MADE.get() + 1);
        let task = tokio::spawn(async move {
            if let Err(error) = opened.connection.await {
                let error = StoreError::from(error);
                tracing::warn!(error = %error, "a connection to PostgreSQL broke");
            }
        });
        Ok(ClientWrapper::new(opened.client, task))
    }

    async fn recycle(
        &self,
        client: &mut ClientWrapper,
        _: &Metrics,
    ) -> RecycleResult<ConnectError> {
        if client.is_closed() {
            return Err(RecycleError::message("the connection is closed"));
        }
        Ok(())
    }
}

impl Pool {
    /// The same connections, observed.
    pub(super) fn observed(self, observed: Observed) -> Self {
        Self { observed, ..self }
    }
}

impl Deref for Pool {
    type Target = managed::Pool<Sessions>;

    fn deref(&self) -> &Self::Target {
        &self.connections
    }
}

/// A pool of the connections that `connector` makes; nothing is connected yet.
pub(super) fn open(connector: &Connector, limits: Limits) -> Result<Pool, StoreError> {
    let connections = managed::Pool::<Sessions>::builder(Sessions(connector.clone()))
        .max_size(limits.size)
        .runtime(Runtime::Tokio1)
        .timeouts(Timeouts {
            wait: Some(limits.wait_timeout),
            // The connector limits what each server may take; the next one is asked after that.
            create: None,
            recycle: None,
        })
        .build()
        .map_err(|error| StoreError::Tls(error.to_string()))?;
    retire_idle(connections.clone(), limits.idle_timeout);
    Ok(Pool {
        connections,
        wait_timeout: limits.wait_timeout,
        observed: Observed::default(),
        doubt: connector.doubt().clone(),
        written: Arc::default(),
    })
}

/// Closes connections that nobody has used for `idle_timeout`, so that a quiet service holds few.
fn retire_idle(pool: managed::Pool<Sessions>, idle_timeout: Duration) {
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
    let got = get_or_wait(pool, asked).await;
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

/// Waits for a connection to come back where the server has none left to give.
async fn get_or_wait(pool: &Pool, asked: Instant) -> Result<Object, PoolError<ConnectError>> {
    loop {
        let got = pool.connections.get().await;
        let is_refused = |error: &PoolError<ConnectError>| matches!(error, PoolError::Backend(error) if error.is_too_many_connections());
        if !got.as_ref().err().is_some_and(is_refused) {
            return got;
        }
        let refused = Instant::now();
        while pool.status().available == 0 && refused.elapsed() < REFUSED_PAUSE {
            if asked.elapsed() >= pool.wait_timeout {
                return got;
            }
            tokio::time::sleep(RETURN_POLL).await;
        }
    }
}

/// A connection for a lane, which keeps it until it breaks.
///
/// Its few statements take arrays, whose cost does not depend on what is in them; `PostgreSQL` would nevertheless plan
/// short ones again at every call, for several times the cost of running them.
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
        let made = MADE.get();
        let client = get(pool).await?;
        // Another task of this thread may have made one meanwhile: then this one is taken for it, and merely slower.
        if MADE.get() != made {
            return Ok(client);
        }
        discard(client);
    }
}

/// Takes a connection out of the pool for good, so that nobody is handed it again.
pub(super) fn discard(client: Object) {
    drop(Object::take(client));
}

/// Closes every idle connection, and casts doubt on those that lanes keep: when one is found dead, those beside it most
/// likely are, and a second attempt has to meet a new one.
pub(super) fn discard_idle(pool: &Pool) {
    pool.doubt.cast();
    pool.retain(|_, _| false);
}

/// What the server is by now. A session that says it takes no writes may have been opened while that was so: it leaves the
/// pool, and a new one is asked.
pub(super) async fn server_state(pool: &Pool) -> Result<ServerState, StoreError> {
    let mut is_new = false;
    loop {
        let guard = DiscardUnlessDone::new(get(pool).await?);
        let answer = guard.client().simple_query(session::ASK_STATE).await;
        match answer.map_err(StoreError::from) {
            Ok(messages) => {
                let state = session::state(&messages);
                if is_new || state == ServerState::Writable {
                    guard.done();
                    return Ok(state);
                }
            }
            Err(error) if is_new || !error.is_connection_loss() => return Err(error),
            Err(_) => {}
        }
        is_new = true;
        drop(guard);
        discard_idle(pool);
    }
}

/// Which failures of work on a connection are followed by a second attempt on another one.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Repeat {
    /// Those after which nobody knows what was run, too: the work is safe to repeat.
    Always,
    /// Those after which nothing was run.
    WhenRefused,
}

/// Runs `work`, which is safe to repeat, with a pooled connection, as [`with_session`] does.
pub(super) async fn with_client<T, W>(
    pool: &Pool,
    work: impl FnMut(DiscardUnlessDone) -> W,
) -> Result<T, StoreError>
where
    W: Future<Output = (DiscardUnlessDone, Result<T, StoreError>)>,
{
    with_session(pool, Repeat::Always, work).await
}

/// Runs `work` with a pooled connection, which is thrown away when it breaks, turns out to be unfit or is given up half-way.
/// `work` hands the connection back beside its outcome. It is run once more when its statements have to be prepared again,
/// and once more on another connection where `repeat` allows it.
pub(super) async fn with_session<T, W>(
    pool: &Pool,
    repeat: Repeat,
    mut work: impl FnMut(DiscardUnlessDone) -> W,
) -> Result<T, StoreError>
where
    W: Future<Output = (DiscardUnlessDone, Result<T, StoreError>)>,
{
    let (mut is_second, mut is_prepared_again) = (false, false);
    let mut guard = DiscardUnlessDone::new(get(pool).await?);
    loop {
        let (used, outcome) = work(guard).await;
        let error = match outcome {
            Err(error) if is_of_session(&error) => error,
            Err(error) if error.is_stale_statement() && !is_prepared_again => {
                is_prepared_again = true;
                used.client().statement_cache.clear();
                guard = used;
                continue;
            }
            outcome => {
                used.done();
                return outcome;
            }
        };
        drop(used);
        let may_repeat = repeat == Repeat::Always || error.is_unfit_session();
        if is_second || !may_repeat {
            return Err(error);
        }
        is_second = true;
        discard_idle(pool);
        guard = DiscardUnlessDone::new(get(pool).await?);
    }
}

/// Whether nobody should be handed the connection again on which this happened.
pub(super) fn is_of_session(error: &StoreError) -> bool {
    error.is_connection_loss() || error.is_unfit_session()
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
