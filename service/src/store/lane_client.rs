//! The connection that a lane keeps between its statements, and how long it is trusted.
//!
//! A server that freezes closes nothing: each kept connection would cost one more request its whole time. So the first
//! request that waits in vain casts doubt on all of them, and a lane replaces its own unless it has had an answer since.

use super::pool::{self, Object, Pool};
use super::sql_error::StoreError;
use std::ops::Deref;
use std::time::Instant;

/// A connection that is kept, and when it last brought an answer.
pub(super) struct LaneClient {
    client: Object,
    answered: Instant,
}

impl LaneClient {
    /// A new one, which is discarded instead of going back to the pool.
    pub(super) async fn take(pool: &Pool) -> Result<Self, StoreError> {
        Ok(Self {
            client: pool::get_for_lane(pool).await?,
            answered: Instant::now(),
        })
    }

    /// Whether the next statement may be sent on it.
    pub(super) fn is_trusted(&self, pool: &Pool) -> bool {
        !self.client.is_closed() && !pool.doubt.covers(self.answered)
    }

    /// It has brought an answer, be it an error.
    pub(super) fn has_answered(&mut self) {
        self.answered = Instant::now();
    }

    /// Takes it out of the pool for good.
    pub(super) fn discard(self) {
        pool::discard(self.client);
    }
}

impl Deref for LaneClient {
    type Target = Object;

    fn deref(&self) -> &Object {
        &self.client
    }
}
