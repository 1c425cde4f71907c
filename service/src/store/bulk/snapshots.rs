//! The snapshots that are held at the moment, by their age: while one is held, no vacuum removes what it can still see.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The snapshots that are held.
#[derive(Clone, Default)]
pub(in crate::store) struct Snapshots(Arc<Held>);

#[derive(Default)]
struct Held {
    next: AtomicU64,
    since: Mutex<BTreeMap<u64, Instant>>,
}

/// A snapshot that is held until this is dropped.
pub(super) struct Snapshot {
    number: u64,
    all: Arc<Held>,
}

impl Snapshots {
    /// A snapshot that is taken now.
    pub(super) fn hold(&self) -> Snapshot {
        let number = self.0.next.fetch_add(1, Ordering::Relaxed);
        self.0.lock().insert(number, Instant::now());
        Snapshot {
            number,
            all: self.0.clone(),
        }
    }

    /// The age of the oldest; zero when none is held.
    pub(in crate::store) fn oldest(&self) -> Duration {
        let since = self.0.lock().first_key_value().map(|(_, since)| *since);
        since.map_or(Duration::ZERO, |since| since.elapsed())
    }
}

impl Held {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<u64, Instant>> {
        self.since.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Snapshot {
    fn drop(&mut self) {
        self.all.lock().remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::Snapshots;
    use std::time::Duration;

    #[test]
    fn the_oldest_counts_until_it_is_dropped() {
        let snapshots = Snapshots::default();
        assert_eq!(snapshots.oldest(), Duration::ZERO);
        let first = snapshots.hold();
        let second = snapshots.hold();
        drop(first);
        assert!(snapshots.oldest() > Duration::ZERO);
        drop(second);
        assert_eq!(snapshots.oldest(), Duration::ZERO);
    }
}
