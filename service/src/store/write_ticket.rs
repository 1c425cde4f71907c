//! Where a request waits for what becomes of its write. Must not know how writes are made.

use super::lane_work::LaneWork;
use super::sql_error::StoreError;

use tokio::sync::oneshot;
use tokio::time::Instant;

/// The write that was made, and what became of it.
pub(super) type WriteResult<W> = Result<(W, <W as LaneWork>::Outcome), StoreError>;

/// A write that waits to be made.
pub(super) struct Waiting<W: LaneWork> {
    pub(super) work: W,
    pub(super) ticket: Ticket<W>,
}

/// Where a write is answered, once.
pub(super) struct Ticket<W: LaneWork> {
    pub(super) since: Instant,
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

    pub(super) fn is_closed(&self) -> bool {
        self.answer.as_ref().is_none_or(oneshot::Sender::is_closed)
    }

    pub(super) fn is_answered(&self) -> bool {
        self.answer.is_none()
    }

    pub(super) fn answer(&mut self, result: WriteResult<W>) {
        if let Some(answer) = self.answer.take() {
            // A failed send means that the client went away meanwhile.
            let _ = answer.send(result);
        }
    }
}
