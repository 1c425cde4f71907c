//! When the requests of an open loop are due, independent of earlier responses.

use crate::arguments::Spread;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// The schedule of an open loop.
pub(crate) struct Arrivals {
    interval: Duration,
    spread: Spread,
    next: Instant,
    /// Due, but no connection was free.
    waiting: VecDeque<Instant>,
    random: fastrand::Rng,
}

impl Arrivals {
    pub(crate) fn new(rate: f64, spread: Spread, start: Instant, seed: u64) -> Self {
        let interval = Duration::from_secs_f64(1.0 / rate);
        Self {
            interval,
            spread,
            next: start,
            waiting: VecDeque::new(),
            random: fastrand::Rng::with_seed(seed),
        }
    }

    /// Takes the oldest request that is due at `now`.
    pub(crate) fn take(&mut self, now: Instant) -> Option<Instant> {
        while self.next <= now {
            self.waiting.push_back(self.next);
            self.next += match self.spread {
                Spread::Even => self.interval,
                // The gaps between independent events are exponentially distributed.
                Spread::Poisson => self.interval.mul_f64(-(1.0 - self.random.f64()).ln()),
            };
        }
        self.waiting.pop_front()
    }

    /// How long until the next request is due.
    pub(crate) fn until_next(&self, now: Instant) -> Duration {
        self.next.saturating_duration_since(now)
    }
}

#[cfg(test)]
mod tests {
    use super::Arrivals;
    use crate::arguments::Spread;
    use std::time::{Duration, Instant};

    #[test]
    fn a_request_keeps_the_time_at_which_it_was_due() {
        let start = Instant::now();
        let mut arrivals = Arrivals::new(1000.0, Spread::Even, start, 1);
        let late = start + Duration::from_millis(10);
        let due: Vec<_> = std::iter::from_fn(|| arrivals.take(late)).collect();
        let expected: Vec<_> = (0..=10).map(|n| start + Duration::from_millis(n)).collect();
        assert_eq!(due, expected);
        assert_eq!(arrivals.until_next(late), Duration::from_millis(1));
    }

    #[test]
    fn independent_arrivals_keep_the_rate() {
        let start = Instant::now();
        let mut arrivals = Arrivals::new(1000.0, Spread::Poisson, start, 1);
        let end = start + Duration::from_secs(100);
        let count = std::iter::from_fn(|| arrivals.take(end)).count();
        assert!(
            (98_000..102_000).contains(&count),
            "{count} instead of about 100,000"
        );
    }
}
