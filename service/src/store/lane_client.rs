//! The connection that a lane keeps between its statements, and how long it is trusted.
//!
//! A server that freezes closes nothing: each kept connection would cost one more request its whole time. So the first
//! request that waits in vain casts doubt on all of them, and a lane replaces its own unless it has had an answer since.

use super::pool::{self, Object, Pool};
use super::sql_error::StoreError;
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

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

    /// It has brought an answer, whatever that was.
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

/// When a connection of the pool was last found dead or silent; clones share it.
#[derive(Clone)]
pub(super) struct Doubt {
    begun: Instant,
    /// Milliseconds since `begun`; 0 for never.
    cast: Arc<AtomicU64>,
    /// How far an answer may lie back. Under overload requests wait in vain on servers that do answer, and connections
    /// that are in use must not be replaced for that.
    margin: Duration,
}

impl Doubt {
    /// For requests that wait up to `store_timeout`: a server that was silent for one of them had been for as long.
    pub(super) fn new(store_timeout: Duration) -> Self {
        Self {
            begun: Instant::now(),
            cast: Arc::default(),
            margin: store_timeout / 2,
        }
    }

    pub(super) fn cast(&self) {
        let now = self.begun.elapsed().as_millis();
        self.cast
            .store(u64::try_from(now).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    fn covers(&self, answered: Instant) -> bool {
        let cast = self.cast.load(Ordering::Relaxed);
        cast > 0 && answered + self.margin < self.begun + Duration::from_millis(cast)
    }
}
