//! Concurrent writes are batched into one transaction and one commit.
//!
//! The first write is sent at once; those that arrive while its transaction is under way are batched for the next one.
//! Where other replicas write too, the transaction is opened first and takes what has arrived by the time it gets the lock.
//! Writes that cannot be batched get a transaction of their own, off the common path: a row that another session holds,
//! a change of address, and every write of a batch that `PostgreSQL` refused as a whole.

use super::deadline::{within_deadline, within_deadlines};
use super::lane_client::LaneClient;
use super::limits::Limits;
use super::observed::Statement;
use super::opening::{self, Opened, Turn};
use super::pool::{self, Object, Pool, Repeat};
use super::sql_error::StoreError;
use super::work::Mode;
use crate::domain::UserId;
use crate::metrics;
use std::collections::{HashSet, VecDeque};
use std::future::Future;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::task::yield_now;
use tokio::time::Instant;

/// What a lane writes: how several are made in one transaction.
pub(super) trait LaneWork: Send + Sync + Sized + 'static {
    /// What became of one write.
    type Outcome: Send + 'static;
    /// How a transaction of several writes, and one of a single write, are called in the metrics.
    const MEASURED: [Statement; 2];

    /// The user that is written.
    fn user_id(&self) -> UserId;
    /// About how many bytes it adds to the transaction.
    fn bytes(&self) -> usize;
    /// Makes all the writes of `batch` in one transaction, which `turn` may have opened; no two of them may be of one user.
    fn run(
        client: &Object,
        batch: &[Self],
        mode: Mode,
        turn: &mut Turn,
    ) -> impl Future<Output = Result<Vec<Self::Outcome>, StoreError>> + Send;
    /// Whether the write needs a transaction of its own.
    fn is_not_batchable(outcome: &Self::Outcome) -> bool;
    /// What a violated constraint says of a single write.
    fn violated(error: &StoreError) -> Option<Self::Outcome>;
}

/// The write that was made, and what became of it.
pub(super) type WriteResult<W> = Result<(W, <W as LaneWork>::Outcome), StoreError>;

/// A write that waits to be made.
pub(super) struct Waiting<W: LaneWork> {
    pub(super) work: W,
    pub(super) ticket: Ticket<W>,
}

/// Where a write is answered, once.
pub(super) struct Ticket<W: LaneWork> {
    since: Instant,
    answer: Option<oneshot::Sender<WriteResult<W>>>,
}

impl<W: LaneWork> Ticket<W> {
    /// A request that has waited since `since`.
    pub(super) fn new(since: Instant, answer: oneshot::Sender<WriteResult<W>>) -> Self {
        Self {
            since,
            answer: Some(answer),
        }
    }

    fn is_closed(&self) -> bool {
        self.answer.as_ref().is_none_or(oneshot::Sender::is_closed)
    }

    fn is_answered(&self) -> bool {
        self.answer.is_none()
    }

    fn answer(&mut self, result: WriteResult<W>) {
        if let Some(answer) = self.answer.take() {
            // A failed send means that the client went away meanwhile.
            let _ = answer.send(result);
        }
    }
}

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
            is_contended: false,
            refusal: None,
            requests,
            postponed: VecDeque::new(),
        }
    }

    /// Makes writes until the store is gone.
    pub(super) async fn run(mut self) {
        while self.await_request().await {
            let opened = self.open().await;
            let Batch { works, mut tickets } = self.gather().await;
            let Some(oldest) = tickets.first().map(|ticket| ticket.since) else {
                self.close(opened).await;
                continue;
            };
            self.pool
                .observed
                .batch_sent(metrics::Lane::Writes, works.len());
            let (pool, limit) = (self.pool.clone(), self.limits.store_timeout);
            let expire = |now| expire(&mut tickets, limit, now);
            let commit = self.commit(&works, opened);
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
    /// while others hold it come along. `None` where it was free, and everything is sent in one go.
    async fn open(&mut self) -> Option<Opened> {
        if !std::mem::take(&mut self.is_contended) || self.refusal.is_some() {
            return None;
        }
        let deadline = self.postponed.front()?.ticket.since + self.limits.store_timeout;
        let pool = self.pool.clone();
        if let Ok(opened) = within_deadline(&pool, deadline, self.try_open()).await {
            self.is_contended = opened.has_waited();
            return Some(opened);
        }
        // Nothing was written. Requests with time left are served by what is sent next, which meets the cause, if it lasts.
        self.drop_client();
        self.answer_expired();
        None
    }

    async fn try_open(&mut self) -> Result<Opened, StoreError> {
        let client = self.client().await?;
        let opened = opening::open(client).await;
        client.has_answered();
        opened
    }

    /// Ends a transaction that nobody needs any more.
    async fn close(&mut self, opened: Option<Opened>) {
        if opened.is_some()
            && let Some(client) = &self.client
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
    async fn commit(
        &mut self,
        works: &[W],
        opened: Option<Opened>,
    ) -> Result<Vec<W::Outcome>, StoreError> {
        if let Some((until, error)) = &self.refusal
            && Instant::now() < *until
        {
            return Err(error.clone());
        }
        self.refusal = None;
        let is_new = self.client.is_none();
        let error = match self.try_commit(works, opened).await {
            Err(error) if error.is_unfit_session() => error,
            outcome => return outcome,
        };
        self.drop_client();
        pool::discard_idle(&self.pool);
        let outcome = if is_new {
            Err(error)
        } else {
            Box::pin(self.try_commit(works, None)).await
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
    async fn try_commit(
        &mut self,
        works: &[W],
        opened: Option<Opened>,
    ) -> Result<Vec<W::Outcome>, StoreError> {
        let observed = self.pool.observed.clone();
        let client = self.client().await?;
        let mut turn = Turn::of(opened);
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
        self.is_contended |= turn.has_waited();
        outcome
    }

    /// The connection of this lane: a new one unless the one that it has is trusted.
    async fn client(&mut self) -> Result<&mut LaneClient, StoreError> {
        let is_trusted = |client: &LaneClient| client.is_trusted(&self.pool);
        if !self.client.as_ref().is_some_and(is_trusted) {
            self.drop_client();
            self.client = Some(LaneClient::take(&self.pool).await?);
        }
        self.client.as_mut().ok_or(StoreError::ConnectionLost)
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
