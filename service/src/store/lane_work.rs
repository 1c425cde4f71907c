//! What a lane of writes needs to know of what it writes.

use super::observed::Statement;
use super::pool::Object;
use super::sql_error::StoreError;
use super::turn::Turn;
use super::work::Mode;
use crate::domain::UserId;
use std::future::Future;

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
