//! When a connection was last found dead or silent: those that have had no answer since are not trusted either.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

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
    /// For servers that are found silent after `patience` at the earliest.
    pub(super) fn new(patience: Duration) -> Self {
        Self {
            begun: Instant::now(),
            cast: Arc::default(),
            margin: patience / 2,
        }
    }

    pub(super) fn cast(&self) {
        let now = self.begun.elapsed().as_millis();
        self.cast
            .store(u64::try_from(now).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// Whether a connection that last brought an answer at `answered` is in doubt.
    pub(super) fn covers(&self, answered: Instant) -> bool {
        let cast = self.cast.load(Ordering::Relaxed);
        cast > 0 && answered + self.margin < self.begun + Duration::from_millis(cast)
    }
}
