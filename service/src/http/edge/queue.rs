//! How many requests are worked on at a time: never more than a bound, and fewer when they come to take too long.
//!
//! Whoever cannot be served soon is better told so at once than kept waiting: then those who are served keep their
//! latency, and no work is spent on clients that have given up (docs/adr/0049). Knows nothing of what is asked for.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// How long latencies are gathered before the limit is looked at.
const WINDOW_US: u64 = 100_000;
/// The limit never falls below: less would starve a database that answers many at a time.
const FLOOR: usize = 64;

/// Counts the requests in work.
pub(super) struct Queue {
    working: AtomicUsize,
    /// Readers that wait for a change work on nothing; they have a bound of their own.
    waiting: AtomicUsize,
    limit: AtomicUsize,
    bound: usize,
    /// The mean time of a request above which fewer are let in; none when they are let in however long they take.
    target_us: Option<u64>,
    born: Instant,
    window: Window,
}

/// What ended since the limit was last looked at.
#[derive(Default)]
struct Window {
    begun_us: AtomicU64,
    ended: AtomicU64,
    took_us: AtomicU64,
}

/// Who wants a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Entrant {
    /// A request that is worked on at once.
    Request,
    /// One that did not wait as it was told to. It has lain unread for long, so it is let in only while three of four
    /// places are free.
    EarlyRequest,
    /// A reader that waits for something to happen.
    Reader,
}

/// A place in the queue; it is free again when this is dropped.
pub(super) struct Place<'a> {
    queue: &'a Queue,
    waits: bool,
}

impl Queue {
    /// At most `bound` at a time, fewer while requests take longer than `target` on average.
    pub(super) fn new(bound: usize, target: Duration) -> Self {
        let target_us = micros(target);
        Self {
            working: AtomicUsize::new(0),
            waiting: AtomicUsize::new(0),
            limit: AtomicUsize::new(bound),
            bound,
            target_us: (target_us > 0).then_some(target_us),
            born: Instant::now(),
            window: Window::default(),
        }
    }

    /// A place for a request, or none when there are as many as can be served soon.
    pub(super) fn enter(&self, entrant: Entrant) -> Option<Place<'_>> {
        let (count, limit) = match entrant {
            Entrant::Reader => (&self.waiting, self.bound),
            Entrant::Request => (&self.working, self.limit.load(Ordering::Relaxed)),
            Entrant::EarlyRequest => {
                let limit = self.limit.load(Ordering::Relaxed).div_ceil(4);
                (&self.working, limit)
            }
        };
        // Made first, so that it is given back whatever happens.
        let before = count.fetch_add(1, Ordering::Relaxed);
        let waits = entrant == Entrant::Reader;
        let place = Place { queue: self, waits };
        (before < limit).then_some(place)
    }

    fn ended(&self, took: Duration, now: Instant) {
        let Some(target_us) = self.target_us else {
            return;
        };
        let window = &self.window;
        window.ended.fetch_add(1, Ordering::Relaxed);
        window.took_us.fetch_add(micros(took), Ordering::Relaxed);
        let now_us = micros(now.saturating_duration_since(self.born));
        let begun_us = window.begun_us.load(Ordering::Relaxed);
        if now_us.saturating_sub(begun_us) < WINDOW_US {
            return;
        }
        let next = window.begun_us.compare_exchange(
            begun_us,
            now_us,
            Ordering::Relaxed,
            Ordering::Relaxed,
        );
        // Whoever lost leaves it to the other.
        if next.is_ok() {
            let ended = window.ended.swap(0, Ordering::Relaxed).max(1);
            let mean_us = window.took_us.swap(0, Ordering::Relaxed) / ended;
            // By Little's law: of those that end at this rate, so many are in work when each takes the target.
            let fitting = ended.saturating_mul(target_us) / (now_us - begun_us);
            self.adjust((mean_us > target_us).then_some(fitting));
        }
    }

    /// Lets in as many as fit when they took too long, else a few more than before.
    fn adjust(&self, fitting: Option<u64>) {
        let next = if let Some(fitting) = fitting {
            usize::try_from(fitting).unwrap_or(self.bound)
        } else {
            let limit = self.limit.load(Ordering::Relaxed);
            limit + limit / 8 + 1
        };
        let next = next.max(FLOOR).min(self.bound);
        self.limit.store(next, Ordering::Relaxed);
    }
}

impl Place<'_> {
    /// Gives the place back and notes how long it was taken.
    pub(super) fn leave(self, took: Duration, now: Instant) {
        if !self.waits {
            self.queue.ended(took, now);
        }
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let count = if self.waits {
            &self.queue.waiting
        } else {
            &self.queue.working
        };
        count.fetch_sub(1, Ordering::Relaxed);
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::{Entrant, FLOOR, Queue};
    use std::sync::atomic::Ordering;
    use std::time::{Duration, Instant};

    const TARGET: Duration = Duration::from_millis(80);

    /// Lets so many windows pass in which requests take as long as told, with 1,000 that want in.
    fn windows(queue: &Queue, now: &mut Instant, count: u32, took: Duration) {
        for _ in 0..count {
            let places: Vec<_> = (0..1000)
                .filter_map(|_| queue.enter(Entrant::Request))
                .collect();
            *now += Duration::from_millis(101);
            for place in places {
                place.leave(took, *now);
            }
        }
    }

    fn limit(queue: &Queue) -> usize {
        queue.limit.load(Ordering::Relaxed)
    }

    #[test]
    fn no_more_are_let_in_than_the_bound_and_a_place_is_given_back() {
        let queue = Queue::new(2, TARGET);
        let (first, second) = (queue.enter(Entrant::Request), queue.enter(Entrant::Request));
        assert!(first.is_some() && second.is_some());
        assert!(queue.enter(Entrant::Request).is_none());
        drop(first);
        assert!(queue.enter(Entrant::Request).is_some());
    }

    #[test]
    fn a_request_that_did_not_wait_as_told_finds_a_place_only_where_there_is_room() {
        let queue = Queue::new(4, TARGET);
        let place = queue.enter(Entrant::Request);
        assert!(place.is_some());
        assert!(queue.enter(Entrant::EarlyRequest).is_none());
        assert!(queue.enter(Entrant::Request).is_some());
        let readers: Vec<_> = (0..4).map(|_| queue.enter(Entrant::Reader)).collect();
        assert!(readers.iter().all(Option::is_some));
        drop(place);
        assert!(queue.enter(Entrant::EarlyRequest).is_some());
    }

    #[test]
    fn readers_that_wait_take_nobody_elses_place() {
        let queue = Queue::new(2, TARGET);
        let waiting: Vec<_> = (0..3).map(|_| queue.enter(Entrant::Reader)).collect();
        assert_eq!(waiting.iter().flatten().count(), 2);
        assert!(queue.enter(Entrant::Request).is_some());
    }

    #[test]
    fn as_many_are_let_in_as_end_within_the_target_and_more_again_after() {
        let queue = Queue::new(1024, TARGET);
        let mut now = Instant::now();
        windows(&queue, &mut now, 3, Duration::from_millis(20));
        assert_eq!(limit(&queue), 1024);
        // 1,000 end in 101 ms: of these, 792 are in work at a time when each takes 80 ms.
        windows(&queue, &mut now, 2, Duration::from_millis(300));
        assert_eq!(limit(&queue), 792);
        windows(&queue, &mut now, 40, Duration::from_millis(300));
        assert_eq!(limit(&queue), FLOOR);
        windows(&queue, &mut now, 40, Duration::from_millis(20));
        assert_eq!(limit(&queue), 1024);
    }

    #[test]
    fn slow_requests_that_are_few_shed_nobody() {
        let queue = Queue::new(1024, TARGET);
        let mut now = Instant::now();
        for _ in 0..50 {
            let places: Vec<_> = (0..FLOOR).map(|_| queue.enter(Entrant::Request)).collect();
            assert!(places.iter().all(Option::is_some));
            now += Duration::from_millis(500);
            for place in places.into_iter().flatten() {
                place.leave(Duration::from_millis(500), now);
            }
        }
    }

    #[test]
    fn without_a_target_the_bound_alone_counts() {
        let queue = Queue::new(100, Duration::ZERO);
        let mut now = Instant::now();
        windows(&queue, &mut now, 20, Duration::from_secs(9));
        assert_eq!(limit(&queue), 100);
    }
}
