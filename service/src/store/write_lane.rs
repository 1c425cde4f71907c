//! Concurrent writes are batched into one transaction and one commit.
//!
//! The first write is sent at once; those that arrive while its transaction is under way are batched for the next one.
//! Where other replicas write too, the transaction is opened first and takes what has arrived by the time it gets the lock.
//! Writes that cannot be batched get a transaction of their own, off the common path: a row that another session holds,
//! a change of address, and every write of a batch that `PostgreSQL` refused as a whole.

use super::deadline::{within_deadline, within_deadlines};
use super::lane_client::LaneClient;
use super::lane_work::LaneWork;
use super::limits::Limits;
use super::pool::{self, Pool, Repeat};
use super::sql_error::StoreError;
use super::turn::Turn;
use super::work::Mode;
use super::write_ticket::{Ticket, Waiting};
use crate::domain::UserId;
use crate::metrics;
use std::collections::{HashSet, VecDeque};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::yield_now;
use tokio::time::Instant;

/// The writes of one transaction, at most one for each user, and where they are answered, in the same order.
struct Batch<W: LaneWork> {
    works: Vec<W>,
    tickets: Vec<Ticket<W>>,
}

/// How long writes are refused without asking once a new session has refused them: each question costs a connection.
const REFUSAL_PAUSE: Duration = Duration::from_millis(250);

/// The most bytes that one transaction takes up.
const MAX_BATCH_BYTES: usize = 1 << 20;

/// The task that batches the writes of this process.
pub(super) struct Lane<W: LaneWork> {
    pool: Pool,
    limits: Limits,
    client: Option<LaneClient>,
    /// How the transaction that is open on the client came by the lock. It goes with the client.
    opened: Option<Turn>,
    /// Whether the last transaction had to wait for the lock.
    is_contended: bool,
    /// What a new session answered, and until when the database is not asked again.
    refusal: Option<(Instant, StoreError)>,
    requests: mpsc::UnboundedReceiver<Waiting<W>>,
    /// What waits for the next transaction: another write of the same user is in this one, or it is full.
    postponed: VecDeque<Waiting<W>>,
}

impl<W: LaneWork> Lane<W> {
    pub(super) fn new(
        pool: Pool,
        limits: Limits,
        requests: mpsc::UnboundedReceiver<Waiting<W>>,
    ) -> Self {
        Self {
            pool,
            limits,
            client: None,
            opened: None,
            is_contended: false,
            refusal: None,
            requests,
            postponed: VecDeque::new(),
        }
    }

    /// Makes writes until the store is gone.
    pub(super) async fn run(mut self) {
        while self.await_request().await {
            self.open().await;
            let Batch { works, mut tickets } = self.gather().await;
            let Some(oldest) = tickets.first().map(|ticket| ticket.since) else {
                self.close().await;
                continue;
            };
            self.pool
                .observed
                .batch_sent(metrics::Lane::Writes, works.len());
            let (pool, limit) = (self.pool.clone(), self.limits.store_timeout);
            let expire = |now| expire(&mut tickets, limit, now);
            let commit = self.commit(&works);
            match within_deadlines(&pool, oldest + limit, expire, commit).await {
                Ok(outcomes) => {
                    self.answer(Batch { works, tickets }, outcomes);
                    self.pool.written.notify_one();
                }
                Err(error) if is_unknown(&error) => self.give_up(tickets, &error),
                // Refused as a whole and rolled back: each is tried by itself, so that one cannot fail the others.
                Err(_) => {
                    for (work, ticket) in works.into_iter().zip(tickets) {
                        self.write_single(Waiting { work, ticket });
                    }
                }
            }
        }
    }

    /// Waits for a write to be made; `false` when the store is gone.
    async fn await_request(&mut self) -> bool {
        if self.postponed.is_empty() {
            match self.requests.recv().await {
                Some(waiting) => self.postponed.push_back(waiting),
                None => return false,
            }
        } else {
            // A row with many writers is written once for each batch: its queue may be longer than a request waits.
            self.answer_expired();
        }
        true
    }

    /// Opens the transaction before its writes are gathered, where the lock was taken the last time: those that arrive
    /// while others hold it come along. Where it was free, everything is sent in one go.
    async fn open(&mut self) {
        let Some(oldest) = self.postponed.front() else {
            return;
        };
        if !self.is_contended || self.refusal.is_some() {
            return;
        }
        let deadline = oldest.ticket.since + self.limits.store_timeout;
        let pool = self.pool.clone();
        if within_deadline(&pool, deadline, self.try_open())
            .await
            .is_err()
        {
            // Nothing was written. Requests with time left are served by what is sent next, which meets the cause, if it
            // lasts.
            self.is_contended = false;
            self.drop_client();
            self.answer_expired();
        }
    }

    async fn try_open(&mut self) -> Result<(), StoreError> {
        self.connect().await?;
        let Some(client) = &mut self.client else {
            return Err(StoreError::ConnectionLost);
        };
        let opened = Turn::open(client).await;
        client.has_answered();
        self.opened = Some(opened?);
        Ok(())
    }

    /// Ends a transaction that nobody needs any more.
    async fn close(&mut self) {
        let Some(turn) = self.opened.take() else {
            return;
        };
        self.is_contended = turn.has_waited();
        if let Some(client) = &self.client
            && client.batch_execute("ROLLBACK").await.is_err()
        {
            self.drop_client();
        }
    }

    /// The writes of the next transaction: all that wait, up to the limits.
    async fn gather(&mut self) -> Batch<W> {
        let limit = self.limits.max_write_batch;
        let mut batch = Batch {
            works: Vec::with_capacity(limit),
            tickets: Vec::with_capacity(limit),
        };
        let mut users: HashSet<UserId> = HashSet::with_capacity(limit);
        let mut bytes = 0;
        let mut postponed = std::mem::take(&mut self.postponed);
        // Requests that have arrived but were not looked at yet come along: whatever can run does, once.
        yield_now().await;
        while batch.works.len() < limit {
            let next = postponed
                .pop_front()
                .or_else(|| self.requests.try_recv().ok());
            let Some(waiting) = next else { break };
            // Skips disconnected clients.
            if waiting.ticket.is_closed() {
                continue;
            }
            bytes += waiting.work.bytes();
            if bytes > MAX_BATCH_BYTES && !batch.works.is_empty() {
                self.postponed.push_back(waiting);
                break;
            }
            if users.insert(waiting.work.user_id()) {
                batch.works.push(waiting.work);
                batch.tickets.push(waiting.ticket);
            } else {
                self.postponed.push_back(waiting);
            }
        }
        self.postponed.append(&mut postponed);
        batch
    }

    /// Answers those whose time is up before they are sent: nothing was written.
    fn answer_expired(&mut self) {
        let (now, limit) = (Instant::now(), self.limits.store_timeout);
        self.postponed.retain_mut(|waiting| {
            let expired = waiting.ticket.since + limit <= now;
            if expired {
                waiting.ticket.answer(Err(StoreError::TimedOut));
            }
            !expired
        });
    }

    /// Commits on a session that is fit for it: one that refused everything, as a read-only one does, is replaced once.
    async fn commit(&mut self, works: &[W]) -> Result<Vec<W::Outcome>, StoreError> {
        if let Some((until, error)) = &self.refusal
            && Instant::now() < *until
        {
            return Err(error.clone());
        }
        self.refusal = None;
        let is_new = self.client.is_none();
        let error = match self.try_commit(works).await {
            Err(error) if error.is_unfit_session() => error,
            outcome => return outcome,
        };
        self.drop_client();
        pool::discard_idle(&self.pool);
        let outcome = if is_new {
            Err(error)
        } else {
            Box::pin(self.try_commit(works)).await
        };
        if let Err(error) = &outcome
            && error.is_unfit_session()
        {
            self.drop_client();
            self.refusal = Some((Instant::now() + REFUSAL_PAUSE, error.clone()));
        }
        outcome
    }

    /// Commits; prepares the statements again when the schema has changed.
    async fn try_commit(&mut self, works: &[W]) -> Result<Vec<W::Outcome>, StoreError> {
        let observed = self.pool.observed.clone();
        self.connect().await?;
        let Some(client) = &mut self.client else {
            return Err(StoreError::ConnectionLost);
        };
        let mut turn = self.opened.take().unwrap_or_default();
        let running = observed.begin(W::MEASURED[0]);
        // Boxed where it is made: the state of a transaction has kilobytes, and each future around it would move it again.
        let write = Box::pin(W::run(client, works, Mode::Batch, &mut turn));
        let mut outcome = running.end(write.await);
        client.has_answered();
        if matches!(&outcome, Err(error) if error.is_stale_statement()) {
            client.statement_cache.clear();
            let running = observed.begin(W::MEASURED[0]);
            turn = Turn::default();
            outcome = running.end(Box::pin(W::run(client, works, Mode::Batch, &mut turn)).await);
        }
        self.is_contended = turn.has_waited();
        outcome
    }

    /// Replaces the connection of this lane, with what is open on it, unless it is trusted.
    async fn connect(&mut self) -> Result<(), StoreError> {
        let is_trusted = |client: &LaneClient| client.is_trusted(&self.pool);
        if !self.client.as_ref().is_some_and(is_trusted) {
            self.drop_client();
            self.client = Some(LaneClient::take(&self.pool).await?);
        }
        Ok(())
    }

    fn answer(&self, batch: Batch<W>, outcomes: Vec<W::Outcome>) {
        let Batch { works, tickets } = batch;
        for ((work, mut ticket), outcome) in works.into_iter().zip(tickets).zip(outcomes) {
            if W::is_not_batchable(&outcome) {
                self.write_single(Waiting { work, ticket });
            } else {
                ticket.answer(Ok((work, outcome)));
            }
        }
    }

    /// Answers every request that waits: the database is away, and nothing is repeated, for it may have been committed.
    fn give_up(&mut self, tickets: Vec<Ticket<W>>, error: &StoreError) {
        self.drop_client();
        let postponed = std::mem::take(&mut self.postponed);
        let gathered = std::iter::from_fn(|| self.requests.try_recv().ok());
        let behind = postponed.into_iter().chain(gathered);
        for mut ticket in tickets
            .into_iter()
            .chain(behind.map(|waiting| waiting.ticket))
        {
            ticket.answer(Err(error.clone()));
        }
    }

    fn write_single(&self, waiting: Waiting<W>) {
        let Waiting { work, mut ticket } = waiting;
        if ticket.is_answered() {
            return;
        }
        let pool = self.pool.clone();
        let deadline = ticket.since + self.limits.store_timeout;
        tokio::spawn(async move {
            let outcome = within_deadline(&pool, deadline, commit_single(&pool, &work)).await;
            ticket.answer(outcome.map(|outcome| (work, outcome)));
        });
    }

    fn drop_client(&mut self) {
        self.opened = None;
        if let Some(client) = self.client.take() {
            client.discard();
        }
    }
}

/// Answers those whose time is up; returns when the next one's is.
fn expire<W: LaneWork>(
    tickets: &mut [Ticket<W>],
    limit: Duration,
    now: Instant,
) -> Option<Instant> {
    let mut next = None;
    for ticket in tickets.iter_mut().filter(|ticket| !ticket.is_answered()) {
        let deadline = ticket.since + limit;
        if deadline <= now {
            ticket.answer(Err(StoreError::TimedOut));
        } else {
            next = Some(next.map_or(deadline, |next: Instant| next.min(deadline)));
        }
    }
    next
}

/// Whether it is unknown if the transaction was committed, or the database cannot be used at all.
fn is_unknown(error: &StoreError) -> bool {
    pool::is_of_session(error)
        || matches!(
            error,
            StoreError::TimedOut | StoreError::PoolExhausted { .. } | StoreError::Connect(_)
        )
}

async fn commit_single<W: LaneWork>(pool: &Pool, work: &W) -> Result<W::Outcome, StoreError> {
    let works = std::slice::from_ref(work);
    let committed = pool::with_session(pool, Repeat::WhenRefused, |guard| async move {
        let running = pool.observed.begin(W::MEASURED[1]);
        let mut turn = Turn::default();
        let write = Box::pin(W::run(guard.client(), works, Mode::Single, &mut turn));
        let outcome = running.end(write.await);
        (guard, outcome)
    });
    let committed = committed.await;
    pool.written.notify_one();
    match committed {
        Ok(outcomes) => outcomes
            .into_iter()
            .next()
            .ok_or(StoreError::ConnectionLost),
        Err(error) => W::violated(&error).ok_or(error),
    }
}
