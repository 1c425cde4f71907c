//! Point reads that come at the same time join into one statement.
//!
//! The first read is sent at once; while its statement is under way, those that come after gather for the next one.
//! A read never joins a statement that was sent before it came, so it sees every change that was answered before.
//! Every thread that serves has a lane of its own while connections last, so that no read wakes another thread.

use super::columns::{RowReader, USER_COLUMNS};
use super::deadline::within_deadline;
use super::lane_client::LaneClient;
use super::limits::Limits;
use super::observed::Statement;
use super::pool::{self, Pool};
use super::sql_error::StoreError;
use crate::domain::{User, UserId};
use crate::metrics;
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use tokio::sync::{mpsc, oneshot};
use tokio::task::yield_now;
use tokio::time::Instant;
use tokio_postgres::Statement as PgStatement;
use uuid::Uuid;

type Answer = Result<Option<Arc<User>>, StoreError>;

struct Waiting {
    id: UserId,
    since: Instant,
    answer: oneshot::Sender<Answer>,
}

/// One dedicated lane per this many pool connections.
const CONNECTIONS_PER_LANE: usize = 4;

thread_local! {
    /// The number of this thread among those that have read.
    static THREAD: usize = {
        static THREADS: AtomicUsize = AtomicUsize::new(0);
        THREADS.fetch_add(1, Ordering::Relaxed)
    };
}

/// Hands point reads to the lane of the thread that asks.
pub(super) struct PointReads {
    pool: Pool,
    limits: Limits,
    lanes: Box<[OnceLock<mpsc::UnboundedSender<Waiting>>]>,
}

impl PointReads {
    pub(super) fn new(pool: Pool, limits: Limits) -> Self {
        let lanes = (limits.size / CONNECTIONS_PER_LANE).max(1);
        Self {
            pool,
            limits,
            lanes: (0..lanes).map(|_| OnceLock::new()).collect(),
        }
    }

    /// The lane of this thread, started on it when it is the first to use it.
    fn lane(&self) -> &mpsc::UnboundedSender<Waiting> {
        let number = THREAD.with(|number| *number) % self.lanes.len();
        self.lanes[number].get_or_init(|| {
            // Unbounded here: how many requests may wait is bounded once, at the edge of the service.
            let (queue, requests) = mpsc::unbounded_channel();
            let lane = Lane {
                pool: self.pool.clone(),
                limits: self.limits,
                connection: None,
                sql: statement(),
            };
            tokio::spawn(lane.run(requests));
            queue
        })
    }

    /// The user with this id. Answered within the time that a request may wait for the store.
    pub(super) async fn read(&self, id: UserId) -> Answer {
        let (answer, answered) = oneshot::channel();
        let waiting = Waiting {
            id,
            since: Instant::now(),
            answer,
        };
        self.lane()
            .send(waiting)
            .map_err(|_| StoreError::ConnectionLost)?;
        answered.await.map_err(|_| StoreError::ConnectionLost)?
    }
}

fn statement() -> String {
    let columns = &*USER_COLUMNS;
    format!("SELECT {columns} FROM users WHERE id = ANY($1)")
}

struct Lane {
    pool: Pool,
    limits: Limits,
    connection: Option<(LaneClient, PgStatement)>,
    sql: String,
}

impl Lane {
    async fn run(mut self, mut requests: mpsc::UnboundedReceiver<Waiting>) {
        let mut batch = Vec::with_capacity(self.limits.max_read_batch);
        let mut ids = Vec::with_capacity(self.limits.max_read_batch);
        let pool = self.pool.clone();
        while requests
            .recv_many(&mut batch, self.limits.max_read_batch)
            .await
            > 0
        {
            // Requests that have arrived but were not looked at yet come along: whatever can run does, once.
            yield_now().await;
            let room = self.limits.max_read_batch.saturating_sub(batch.len());
            batch.extend(std::iter::from_fn(|| requests.try_recv().ok()).take(room));
            // Skips disconnected clients.
            batch.retain(|waiting: &Waiting| !waiting.answer.is_closed());
            let Some(oldest) = batch.first() else {
                continue;
            };
            let deadline = oldest.since + self.limits.store_timeout;
            ids.clear();
            ids.extend(batch.iter().map(|waiting| waiting.id.0));
            ids.sort_unstable();
            ids.dedup();
            self.pool
                .observed
                .batch_sent(metrics::Lane::Reads, batch.len());
            let outcome = {
                // Pinned here: handed on by value, its kilobytes would be copied twice for each statement.
                let reading = pin!(self.read(&ids));
                within_deadline(&pool, deadline, reading).await
            };
            match outcome {
                Ok(users) => {
                    for waiting in batch.drain(..) {
                        let found = users.binary_search_by_key(&waiting.id, |user| user.id).ok();
                        // A failed send means that the client went away meanwhile.
                        let _ = waiting.answer.send(Ok(found.map(|at| users[at].clone())));
                    }
                }
                Err(error) => {
                    self.drop_client();
                    // Requests that gathered meanwhile have waited for the same database: they fail now, not in turn.
                    while let Ok(waiting) = requests.try_recv() {
                        batch.push(waiting);
                    }
                    for waiting in batch.drain(..) {
                        let _ = waiting.answer.send(Err(error.clone()));
                    }
                }
            }
        }
    }

    /// Reads the users with these ids, sorted by id; tries a second connection when the first turns out to be dead or unfit,
    /// and prepares the statement again when the schema has changed.
    async fn read(&mut self, ids: &Vec<Uuid>) -> Result<Vec<Arc<User>>, StoreError> {
        match self.try_read(ids).await {
            Err(error) if pool::is_of_session(&error) => {
                self.drop_client();
                pool::discard_idle(&self.pool);
                self.try_read(ids).await
            }
            Err(error) if error.is_stale_statement() => {
                if let Some((client, statement)) = &mut self.connection {
                    *statement = client.prepare(&self.sql).await?;
                }
                self.try_read(ids).await
            }
            outcome => outcome,
        }
    }

    async fn try_read(&mut self, ids: &Vec<Uuid>) -> Result<Vec<Arc<User>>, StoreError> {
        let is_trusted = |kept: &(LaneClient, _)| kept.0.is_trusted(&self.pool);
        if !self.connection.as_ref().is_some_and(is_trusted) {
            self.drop_client();
            let client = LaneClient::take(&self.pool).await?;
            let statement = client.prepare(&self.sql).await?;
            self.connection = Some((client, statement));
        }
        let Some((client, statement)) = &mut self.connection else {
            return Err(StoreError::ConnectionLost);
        };
        let running = self.pool.observed.begin(Statement::ReadUsers);
        let rows = client.query(&*statement, &[ids]).await;
        client.has_answered();
        let rows = running.end(rows.map_err(StoreError::from))?;
        let mut users = Vec::with_capacity(rows.len());
        for row in &rows {
            users.push(Arc::new(RowReader::new(row).user()?));
        }
        users.sort_unstable_by_key(|user| user.id);
        Ok(users)
    }

    fn drop_client(&mut self) {
        if let Some((client, _)) = self.connection.take() {
            client.discard();
        }
    }
}
