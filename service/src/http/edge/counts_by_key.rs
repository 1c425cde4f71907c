//! How much each client or address holds at a time, never more than its share.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Counts what is held under each key; a key that holds nothing takes no room.
pub(super) struct CountsByKey<K> {
    limit: usize,
    counts: Mutex<HashMap<K, usize>>,
}

/// One of what a key holds; given back when this is dropped.
pub(super) struct Held<'a, K: Eq + Hash> {
    counts: &'a CountsByKey<K>,
    key: K,
}

impl<K: Eq + Hash + Clone> CountsByKey<K> {
    /// At most `limit` for each key.
    pub(super) fn new(limit: usize) -> Self {
        Self {
            limit,
            counts: Mutex::default(),
        }
    }

    /// One more for `key`, or none when it holds as many as it may.
    pub(super) fn hold(&self, key: K) -> Option<Held<'_, K>> {
        let mut counts = self.lock();
        let count = counts.entry(key.clone()).or_insert(0);
        if *count >= self.limit {
            return None;
        }
        *count += 1;
        Some(Held { counts: self, key })
    }
}

impl<K> CountsByKey<K> {
    fn lock(&self) -> MutexGuard<'_, HashMap<K, usize>> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Eq + Hash> Drop for Held<'_, K> {
    fn drop(&mut self) {
        let mut counts = self.counts.lock();
        if let Some(count) = counts.get_mut(&self.key) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::CountsByKey;

    #[test]
    fn each_key_holds_its_share_and_gives_it_back() {
        let counts = CountsByKey::new(2);
        let held = [counts.hold("a"), counts.hold("a")];
        assert!(held.iter().all(Option::is_some));
        assert!(counts.hold("a").is_none());
        assert!(counts.hold("b").is_some());
        drop(held);
        assert!(counts.hold("a").is_some());
        assert!(counts.lock().is_empty(), "what is not held takes no room");
    }
}
