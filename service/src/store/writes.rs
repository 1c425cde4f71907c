//! Writes that come at the same time join into one transaction and one commit.
//!
//! The first waits for nobody; while its transaction is under way, those that come after gather for the next one.
//! What cannot be decided in company is made by itself, off the common path: a row that somebody else holds,
//! a change of address, and every write of a transaction that was refused as a whole.

use super::observed::Statement;
use super::pool::{self, Limits, Object, Pool, Repeat};
use super::sql_error::StoreError;
use super::work::{Mode, Verdict, Work, expected_version};
use super::write_batch;
use crate::domain::{
    Condition, Created, DirectoryError, IdempotencyClaim, Profile, Timestamp, User, UserId, Version,
};
use crate::metrics;
use std::collections::{HashSet, VecDeque};
use std::sync::OnceLock;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::task::yield_now;
use tokio::time::{Instant, timeout_at};

type Answer = Result<Verdict, StoreError>;

struct Waiting {
    work: Work,
    since: Instant,
    answer: oneshot::Sender<(Work, Answer)>,
}

/// How long writes are refused without asking once a new session has refused them: each question costs a connection.
const REFUSAL_PAUSE: Duration = Duration::from_millis(250);

/// The most bytes that one transaction takes up.
const MAX_BATCH_BYTES: usize = 1 << 20;

/// Hands writes to the task that joins them.
pub(super) struct GroupedWrites {
    pool: Pool,
    limits: Limits,
    queue: OnceLock<mpsc::UnboundedSender<Waiting>>,
}

impl GroupedWrites {
    pub(super) fn new(pool: Pool, limits: Limits) -> Self {
        Self {
            pool,
            limits,
            queue: OnceLock::new(),
        }
    }

    /// The lane, started on the thread that is the first to write: one that serves.
    fn lane(&self) -> &mpsc::UnboundedSender<Waiting> {
        self.queue.get_or_init(|| {
            // Unbounded here: how many requests may wait is bounded once, at the edge of the service.
            let (queue, requests) = mpsc::unbounded_channel();
            let lane = Lane {
                pool: self.pool.clone(),
                limits: self.limits,
                client: None,
                refusal: None,
                requests,
                postponed: VecDeque::new(),
            };
            tokio::spawn(lane.run());
            queue
        })
    }

    pub(super) async fn create(
        &self,
        user: User,
        claim: Option<IdempotencyClaim>,
    ) -> Result<Created, DirectoryError> {
        match self.write(Work::Create { user, claim }).await? {
            (Work::Create { user, .. }, Verdict::Created) => Ok(Created::Now(user)),
            (_, Verdict::CreatedBefore(user)) => Ok(Created::Before(user)),
            (_, verdict) => Err(refusal(&verdict)),
        }
    }

    pub(super) async fn replace(
        &self,
        id: UserId,
        profile: Profile,
        condition: Condition,
        at: Timestamp,
    ) -> Result<User, DirectoryError> {
        let expected = expected_version(&condition);
        match self
            .write(Work::Replace {
                id,
                profile,
                expected,
                at,
            })
            .await?
        {
            (
                Work::Replace { profile, .. },
                Verdict::Replaced {
                    version,
                    created_at,
                    updated_at,
                },
            ) => Ok(User {
                id,
                version,
                profile,
                created_at,
                updated_at,
            }),
            (_, verdict) => Err(refusal(&verdict)),
        }
    }

    pub(super) async fn delete(
        &self,
        id: UserId,
        condition: Condition,
        at: Timestamp,
    ) -> Result<(), DirectoryError> {
        let expected: Option<Version> = expected_version(&condition);
        match self.write(Work::Delete { id, expected, at }).await? {
            (_, Verdict::Deleted) => Ok(()),
            (_, verdict) => Err(refusal(&verdict)),
        }
    }

    async fn write(&self, work: Work) -> Result<(Work, Verdict), DirectoryError> {
        let (answer, answered) = oneshot::channel();
        let waiting = Waiting {
            work,
            since: Instant::now(),
            answer,
        };
        self.lane()
            .send(waiting)
            .map_err(|_| StoreError::ConnectionLost)?;
        let (work, answer) = answered.await.map_err(|_| StoreError::ConnectionLost)?;
        Ok((work, answer?))
    }
}

fn refusal(verdict: &Verdict) -> DirectoryError {
    match verdict {
        Verdict::NotFound => DirectoryError::UserNotFound,
        Verdict::ConditionFailed => DirectoryError::ConditionFailed,
        Verdict::EmailTaken => DirectoryError::EmailTaken,
        Verdict::KeyReused => DirectoryError::IdempotencyKeyReused,
        other => DirectoryError::Internal(Box::new(StoreError::Row(format!(
            "the write ended in {other:?}"
        )))),
    }
}

struct Lane {
    pool: Pool,
    limits: Limits,
    client: Option<Object>,
    /// What a new session answered, and until when nobody is asked again.
    refusal: Option<(Instant, StoreError)>,
    requests: mpsc::UnboundedReceiver<Waiting>,
    /// What has to wait for the next transaction: another write of the same user is in this one, or it is full.
    postponed: VecDeque<Waiting>,
}

impl Lane {
    async fn run(mut self) {
        while let Some(batch) = self.gather().await {
            let Some(oldest) = batch.first() else {
                continue;
            };
            let deadline = oldest.since + self.limits.store_timeout;
            let works: Vec<&Work> = batch.iter().map(|waiting| &waiting.work).collect();
            self.pool
                .observed
                .batch_sent(metrics::Lane::Writes, works.len());
            let outcome = timeout_at(deadline, self.commit(&works))
                .await
                .unwrap_or_else(|_| {
                    self.pool.observed.failed(&StoreError::TimedOut);
                    Err(StoreError::TimedOut)
                });
            match outcome {
                Ok(verdicts) => self.answer(batch, verdicts),
                Err(error) if is_unknown(&error) => self.give_up(batch, &error),
                // Refused as a whole and rolled back: each is tried by itself, so that one cannot fail the others.
                Err(_) => batch
                    .into_iter()
                    .for_each(|waiting| self.write_alone(waiting)),
            }
        }
    }

    /// The writes of the next transaction, at most one for each user; `None` when the store is gone.
    async fn gather(&mut self) -> Option<Vec<Waiting>> {
        let mut batch = Vec::with_capacity(self.limits.max_write_batch);
        let mut users = HashSet::with_capacity(self.limits.max_write_batch);
        let mut bytes = 0;
        let mut postponed = std::mem::take(&mut self.postponed);
        if postponed.is_empty() {
            postponed.push_back(self.requests.recv().await?);
        }
        // Requests that have arrived but were not looked at yet come along: whatever can run does, once.
        yield_now().await;
        while batch.len() < self.limits.max_write_batch {
            let next = postponed
                .pop_front()
                .or_else(|| self.requests.try_recv().ok());
            let Some(waiting) = next else { break };
            // Who hung up before the write was sent gets none.
            if waiting.answer.is_closed() {
                continue;
            }
            bytes += waiting.work.bytes();
            if bytes > MAX_BATCH_BYTES && !batch.is_empty() {
                self.postponed.push_back(waiting);
                break;
            }
            if users.insert(waiting.work.user_id()) {
                batch.push(waiting);
            } else {
                self.postponed.push_back(waiting);
            }
        }
        self.postponed.append(&mut postponed);
        Some(batch)
    }

    /// Commits on a session that is fit for it: one that refused everything, as a read-only one does, is replaced once.
    async fn commit(&mut self, works: &[&Work]) -> Result<Vec<Verdict>, StoreError> {
        if let Some((until, error)) = &self.refusal
            && Instant::now() < *until
        {
            return Err(error.clone());
        }
        self.refusal = None;
        let is_new = self.client.is_none();
        let outcome = self.try_commit(works).await;
        let error = match outcome {
            Err(error) if error.is_unfit_session() => error,
            outcome => return outcome,
        };
        self.drop_client();
        pool::discard_idle(&self.pool);
        let outcome = if is_new {
            Err(error)
        } else {
            self.try_commit(works).await
        };
        if let Err(error) = &outcome
            && error.is_unfit_session()
        {
            self.drop_client();
            self.refusal = Some((Instant::now() + REFUSAL_PAUSE, error.clone()));
        }
        outcome
    }

    async fn try_commit(&mut self, works: &[&Work]) -> Result<Vec<Verdict>, StoreError> {
        if self.client.as_ref().is_none_or(|client| client.is_closed()) {
            self.drop_client();
            self.client = Some(pool::get_for_lane(&self.pool).await?);
        }
        let Some(client) = &self.client else {
            return Err(StoreError::ConnectionLost);
        };
        let running = self.pool.observed.begin(Statement::WriteUsers);
        let outcome = running.end(write_batch::run(client, works, Mode::Together).await);
        if !matches!(&outcome, Err(error) if error.is_stale_statement()) {
            return outcome;
        }
        client.statement_cache.clear();
        let running = self.pool.observed.begin(Statement::WriteUsers);
        running.end(write_batch::run(client, works, Mode::Together).await)
    }

    fn answer(&self, batch: Vec<Waiting>, verdicts: Vec<Verdict>) {
        for (waiting, verdict) in batch.into_iter().zip(verdicts) {
            if matches!(verdict, Verdict::Alone) {
                self.write_alone(waiting);
            } else {
                // A failed send means that the client went away meanwhile.
                let _ = waiting.answer.send((waiting.work, Ok(verdict)));
            }
        }
    }

    /// Tells everyone who waits that the database is away; nothing is tried again, for it may have been committed.
    fn give_up(&mut self, batch: Vec<Waiting>, error: &StoreError) {
        self.drop_client();
        if matches!(error, StoreError::TimedOut) {
            pool::discard_idle(&self.pool);
        }
        let postponed = std::mem::take(&mut self.postponed);
        let gathered = std::iter::from_fn(|| self.requests.try_recv().ok());
        for waiting in batch.into_iter().chain(postponed).chain(gathered) {
            let _ = waiting.answer.send((waiting.work, Err(error.clone())));
        }
    }

    fn write_alone(&self, waiting: Waiting) {
        let pool = self.pool.clone();
        let deadline = waiting.since + self.limits.store_timeout;
        tokio::spawn(async move {
            let outcome = timeout_at(deadline, commit_alone(&pool, &waiting.work))
                .await
                .unwrap_or_else(|_| {
                    pool.observed.failed(&StoreError::TimedOut);
                    Err(StoreError::TimedOut)
                });
            let _ = waiting.answer.send((waiting.work, outcome));
        });
    }

    fn drop_client(&mut self) {
        if let Some(client) = self.client.take() {
            pool::discard(client);
        }
    }
}

/// Whether nobody can tell if the transaction was committed, or the database cannot be used at all.
fn is_unknown(error: &StoreError) -> bool {
    pool::is_of_session(error)
        || matches!(
            error,
            StoreError::TimedOut | StoreError::PoolExhausted { .. } | StoreError::Connect(_)
        )
}

async fn commit_alone(pool: &Pool, work: &Work) -> Answer {
    let committed = pool::with_session(pool, Repeat::WhenRefused, |guard| async move {
        let running = pool.observed.begin(Statement::WriteUserAlone);
        let outcome = running.end(write_batch::run(guard.client(), &[work], Mode::Alone).await);
        (guard, outcome)
    });
    match committed.await {
        Ok(verdicts) => verdicts
            .into_iter()
            .next()
            .ok_or(StoreError::ConnectionLost),
        Err(error) if error.violates("users_email_key") => Ok(Verdict::EmailTaken),
        Err(error) => Err(error),
    }
}
