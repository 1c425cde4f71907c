//! Whether a connection is at work: how many of its requests have begun, and ended.

use std::sync::atomic::{AtomicUsize, Ordering};

/// How many requests of a connection have begun and ended.
#[derive(Default)]
pub(in crate::http) struct Activity {
    begun: AtomicUsize,
    ended: AtomicUsize,
}

impl Activity {
    /// A request has begun.
    pub(super) fn begin(&self) {
        self.begun.fetch_add(1, Ordering::Relaxed);
    }

    /// A request has ended.
    pub(super) fn end(&self) {
        self.ended.fetch_add(1, Ordering::Relaxed);
    }

    /// How many requests have begun, and how many of them are not ended.
    pub(in crate::http) fn now(&self) -> (usize, usize) {
        let ended = self.ended.load(Ordering::Relaxed);
        let begun = self.begun.load(Ordering::Relaxed);
        (begun, begun.wrapping_sub(ended))
    }
}
