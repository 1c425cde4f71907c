//! How a request hands a write to its lane, and waits for what became of it. Must not know what is written.

use super::lane_work::LaneWork;
use super::limits::Limits;
use super::pool::Pool;
use super::sql_error::StoreError;
use super::write_lane::Lane;
use super::write_ticket::{Ticket, Waiting};
use crate::domain::DirectoryError;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

/// The way to a lane.
pub(super) struct WriteQueue<W: LaneWork> {
    pool: Pool,
    limits: Limits,
    queue: OnceLock<mpsc::UnboundedSender<Waiting<W>>>,
}

impl<W: LaneWork> WriteQueue<W> {
    pub(super) fn new(pool: Pool, limits: Limits) -> Self {
        Self {
            pool,
            limits,
            queue: OnceLock::new(),
        }
    }

    /// The lane, started on the thread that is the first to write: one that serves.
    fn lane(&self) -> &mpsc::UnboundedSender<Waiting<W>> {
        self.queue.get_or_init(|| {
            // Unbounded here: how many requests may wait is bounded once, at the edge of the service.
            let (queue, requests) = mpsc::unbounded_channel();
            let lane = Lane::new(self.pool.clone(), self.limits, requests);
            tokio::spawn(lane.run());
            queue
        })
    }

    /// Has a write made: the write, and what became of it.
    pub(super) async fn write(&self, work: W) -> Result<(W, W::Outcome), DirectoryError> {
        let (answer, answered) = oneshot::channel();
        let ticket = Ticket::new(Instant::now(), answer);
        self.lane()
            .send(Waiting { work, ticket })
            .map_err(|_| StoreError::ConnectionLost)?;
        let answer = answered.await.map_err(|_| StoreError::ConnectionLost)?;
        Ok(answer?)
    }
}

/// Why a write was refused on the locked row: it stays with its request, whatever type it has. Clones share it.
pub(super) struct RefusalReason<E>(Arc<Mutex<Option<E>>>);

impl<E> RefusalReason<E> {
    pub(super) fn new() -> Self {
        Self(Arc::new(Mutex::new(None)))
    }

    /// Keeps the reason of the last decision.
    pub(super) fn keep(&self, error: E) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
    }

    pub(super) fn take(&self) -> Option<E> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl<E> Clone for RefusalReason<E> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}
