//! An adaptive concurrency limit: how many requests are in progress at a time. Never more than a maximum, and fewer
//! while the mean duration exceeds a target (docs/adr/0049).
//!
//! A request that cannot be served soon is rejected at once: then admitted ones keep their latency, and no work is
//! spent on clients that have given up. Knows nothing of what a request asks for.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// How long durations are collected before the limit is adjusted.
const WINDOW_US: u64 = 100_000;
/// The limit never falls below: less would starve a database that answers many requests at a time.
const MIN_LIMIT: usize = 64;

/// Limits the requests in progress.
pub(super) struct ConcurrencyLimit {
    in_progress: AtomicUsize,
    /// Readers that wait for a change use no resources; they have the maximum as a limit of their own.
    waiting_readers: AtomicUsize,
    limit: AtomicUsize,
    max: usize,
    /// The mean duration above which the limit falls; `None` keeps it at the maximum.
    target_us: Option<u64>,
    created: Instant,
    window: Window,
}

/// Requests that finished since the limit was last adjusted.
#[derive(Default)]
struct Window {
    started_us: AtomicU64,
    finished: AtomicU64,
    total_us: AtomicU64,
}

/// What asks to be admitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Admission {
    /// A request that is worked on at once.
    Request,
    /// A request that was sent before the `Retry-After` of the one before it had elapsed. It was unread for long, so
    /// it is admitted only while three quarters of the limit are free.
    EarlyRequest,
    /// A reader that waits for a change.
    WaitingReader,
}

/// The right to be in progress; dropping it makes room for another request.
pub(super) struct Permit<'a> {
    limit: &'a ConcurrencyLimit,
    waits: bool,
}

impl ConcurrencyLimit {
    /// At most `max` requests at a time, fewer while their mean duration exceeds `target`; zero sets no target.
    pub(super) fn new(max: usize, target: Duration) -> Self {
        let target_us = micros(target);
        Self {
            in_progress: AtomicUsize::new(0),
            waiting_readers: AtomicUsize::new(0),
            limit: AtomicUsize::new(max),
            max,
            target_us: (target_us > 0).then_some(target_us),
            created: Instant::now(),
            window: Window::default(),
        }
    }

    /// A permit, or `None` when the limit is reached.
    pub(super) fn admit(&self, admission: Admission) -> Option<Permit<'_>> {
        let (count, limit) = match admission {
            Admission::WaitingReader => (&self.waiting_readers, self.max),
            Admission::Request => (&self.in_progress, self.limit.load(Ordering::Relaxed)),
            Admission::EarlyRequest => {
                let limit = self.limit.load(Ordering::Relaxed).div_ceil(4);
                (&self.in_progress, limit)
            }
        };
        let before = count.fetch_add(1, Ordering::Relaxed);
        // Made in any case, so that dropping it takes back the count.
        let permit = Permit {
            limit: self,
            waits: admission == Admission::WaitingReader,
        };
        (before < limit).then_some(permit)
    }

    fn finished(&self, duration: Duration, now: Instant) {
        let Some(target_us) = self.target_us else {
            return;
        };
        let window = &self.window;
        window.finished.fetch_add(1, Ordering::Relaxed);
        window
            .total_us
            .fetch_add(micros(duration), Ordering::Relaxed);
        let now_us = micros(now.saturating_duration_since(self.created));
        let started_us = window.started_us.load(Ordering::Relaxed);
        if now_us.saturating_sub(started_us) < WINDOW_US {
            return;
        }
        let next = window.started_us.compare_exchange(
            started_us,
            now_us,
            Ordering::Relaxed,
            Ordering::Relaxed,
        );
        // One thread adjusts the limit; the others go on.
        if next.is_ok() {
            let finished = window.finished.swap(0, Ordering::Relaxed).max(1);
            let mean_us = window.total_us.swap(0, Ordering::Relaxed) / finished;
            // Little's law: at this throughput, so many are in progress when each takes the target.
            let sustainable = finished.saturating_mul(target_us) / (now_us - started_us);
            self.adjust((mean_us > target_us).then_some(sustainable));
        }
    }

    /// Lowers the limit to what is sustainable when requests took too long, else raises it by an eighth.
    fn adjust(&self, sustainable: Option<u64>) {
        let next = if let Some(sustainable) = sustainable {
            usize::try_from(sustainable).unwrap_or(self.max)
        } else {
            let limit = self.limit.load(Ordering::Relaxed);
            limit + limit / 8 + 1
        };
        let next = next.max(MIN_LIMIT).min(self.max);
        self.limit.store(next, Ordering::Relaxed);
    }
}

impl Permit<'_> {
    /// Releases the permit and records how long it was held.
    pub(super) fn release(self, duration: Duration, now: Instant) {
        if !self.waits {
            self.limit.finished(duration, now);
        }
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        let count = if self.waits {
            &self.limit.waiting_readers
        } else {
            &self.limit.in_progress
        };
        count.fetch_sub(1, Ordering::Relaxed);
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::{Admission, ConcurrencyLimit, MIN_LIMIT};
    use std::sync::atomic::Ordering;
    use std::time::{Duration, Instant};

    const TARGET: Duration = Duration::from_millis(80);

    /// Lets `count` windows pass in which 1,000 requests ask for a permit and the admitted ones take `took`.
    fn windows(limiter: &ConcurrencyLimit, now: &mut Instant, count: u32, took: Duration) {
        for _ in 0..count {
            let permits: Vec<_> = (0..1000)
                .filter_map(|_| limiter.admit(Admission::Request))
                .collect();
            *now += Duration::from_millis(101);
            for permit in permits {
                permit.release(took, *now);
            }
        }
    }

    fn limit(limiter: &ConcurrencyLimit) -> usize {
        limiter.limit.load(Ordering::Relaxed)
    }

    #[test]
    fn no_more_than_the_maximum_are_admitted_and_a_dropped_permit_makes_room() {
        let limiter = ConcurrencyLimit::new(2, TARGET);
        let (first, second) = (
            limiter.admit(Admission::Request),
            limiter.admit(Admission::Request),
        );
        assert!(first.is_some() && second.is_some());
        assert!(limiter.admit(Admission::Request).is_none());
        drop(first);
        assert!(limiter.admit(Admission::Request).is_some());
    }

    #[test]
    fn a_request_that_ignored_retry_after_is_admitted_only_while_most_of_the_limit_is_free() {
        let limiter = ConcurrencyLimit::new(4, TARGET);
        let permit = limiter.admit(Admission::Request);
        assert!(permit.is_some());
        assert!(limiter.admit(Admission::EarlyRequest).is_none());
        assert!(limiter.admit(Admission::Request).is_some());
        let readers: Vec<_> = (0..4)
            .map(|_| limiter.admit(Admission::WaitingReader))
            .collect();
        assert!(readers.iter().all(Option::is_some));
        drop(permit);
        assert!(limiter.admit(Admission::EarlyRequest).is_some());
    }

    #[test]
    fn waiting_readers_take_no_permits_from_other_requests() {
        let limiter = ConcurrencyLimit::new(2, TARGET);
        let waiting: Vec<_> = (0..3)
            .map(|_| limiter.admit(Admission::WaitingReader))
            .collect();
        assert_eq!(waiting.iter().flatten().count(), 2);
        assert!(limiter.admit(Admission::Request).is_some());
    }

    #[test]
    fn the_limit_falls_to_what_the_target_sustains_and_rises_again() {
        let limiter = ConcurrencyLimit::new(1024, TARGET);
        let mut now = Instant::now();
        windows(&limiter, &mut now, 3, Duration::from_millis(20));
        assert_eq!(limit(&limiter), 1024);
        // 1,000 finish in 101 ms: by Little's law, 792 are in progress when each takes 80 ms.
        windows(&limiter, &mut now, 2, Duration::from_millis(300));
        assert_eq!(limit(&limiter), 792);
        windows(&limiter, &mut now, 40, Duration::from_millis(300));
        assert_eq!(limit(&limiter), MIN_LIMIT);
        windows(&limiter, &mut now, 40, Duration::from_millis(20));
        assert_eq!(limit(&limiter), 1024);
    }

    #[test]
    fn few_slow_requests_are_never_rejected() {
        let limiter = ConcurrencyLimit::new(1024, TARGET);
        let mut now = Instant::now();
        for _ in 0..50 {
            let permits: Vec<_> = (0..MIN_LIMIT)
                .map(|_| limiter.admit(Admission::Request))
                .collect();
            assert!(permits.iter().all(Option::is_some));
            now += Duration::from_millis(500);
            for permit in permits.into_iter().flatten() {
                permit.release(Duration::from_millis(500), now);
            }
        }
    }

    #[test]
    fn without_a_target_the_limit_stays_at_the_maximum() {
        let limiter = ConcurrencyLimit::new(100, Duration::ZERO);
        let mut now = Instant::now();
        windows(&limiter, &mut now, 20, Duration::from_secs(9));
        assert_eq!(limit(&limiter), 100);
    }
}
