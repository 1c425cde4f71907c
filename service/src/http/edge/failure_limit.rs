//! A limit on failed authentications: wrong secrets and bad tokens, counted by address and by client id.
//!
//! A success costs nothing. A client that has proven itself from an address is counted apart from everybody else there, so
//! that neither guesses at its secret from elsewhere nor its neighbours' failures keep it out. Both tables are bounded; the
//! entries that were not used for the longest time are evicted, and start again (docs/adr/0070).

use super::client_address::network_of;
use crate::http::problem::{Problem, ProblemKind};
use crate::metrics::AuthFailure;
use quick_cache::sync::Cache;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Maximum number of addresses and clients that are counted, and of those that have proven themselves.
const MAX_ENTRIES: usize = 65_536;
const MINUTE: Duration = Duration::from_mins(1);

/// Who fails, or has failed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Key {
    Address(IpAddr),
    Client(Arc<str>),
    Proven(IpAddr, Arc<str>),
}

/// One attempt to authenticate.
#[derive(Clone, Debug)]
pub(in crate::http) struct Attempt {
    address: IpAddr,
    /// The client that it claims to be, where it says so before it is proven.
    client: Option<Arc<str>>,
}

impl Attempt {
    /// By a bearer token, which is believed nothing before it is verified.
    pub(in crate::http) fn by_token(address: IpAddr) -> Self {
        Self {
            address: network_of(address),
            client: None,
        }
    }

    /// By the secret of a client.
    pub(in crate::http) fn by_secret(address: IpAddr, client: &str) -> Self {
        Self {
            address: network_of(address),
            client: Some(client.into()),
        }
    }
}

/// Limits failed authentications.
pub struct FailureLimit {
    /// The time in which one failure is forgotten.
    interval: Duration,
    /// What the counts are relative to.
    started: Instant,
    /// For each key, when all of its failures will be forgotten, in microseconds.
    failures: Cache<Key, Arc<AtomicU64>>,
    proven: Cache<Key, ()>,
}

impl FailureLimit {
    /// Lets each address and each client fail so many times a minute, at once or spread.
    pub fn new(per_minute: NonZeroU32) -> Self {
        Self {
            interval: MINUTE / per_minute.get(),
            started: Instant::now(),
            failures: Cache::new(MAX_ENTRIES),
            proven: Cache::new(MAX_ENTRIES),
        }
    }

    /// Lets an attempt begin.
    ///
    /// # Errors
    /// 429 after too many failures, with the time to wait.
    pub(in crate::http) fn admit(&self, attempt: &Attempt) -> Result<(), Problem> {
        match self.wait(attempt, Instant::now()) {
            None => Ok(()),
            Some(wait) => Err(refused(wait)),
        }
    }

    /// Counts a failure.
    pub(in crate::http) fn failed(&self, attempt: &Attempt) {
        self.count(attempt, Instant::now());
    }

    /// Remembers that the client has proven itself from its address.
    pub(in crate::http) fn succeeded(&self, attempt: &Attempt) {
        if let Some(key) = proven(attempt)
            && self.proven.get(&key).is_none()
        {
            self.proven.insert(key, ());
        }
    }

    fn keys(&self, attempt: &Attempt) -> impl Iterator<Item = Key> {
        let proven = proven(attempt).filter(|key| self.proven.get(key).is_some());
        let others = proven.is_none();
        let address = others.then_some(Key::Address(attempt.address));
        let client = attempt.client.clone().filter(|_| others).map(Key::Client);
        [proven, address, client].into_iter().flatten()
    }

    /// How long the attempt has to wait; `None` when it may be made.
    fn wait(&self, attempt: &Attempt, now: Instant) -> Option<Duration> {
        let now = self.since_start(now);
        let full = MINUTE.saturating_sub(self.interval);
        let waits = self.keys(attempt).filter_map(|key| {
            let forgotten = self.failures.get(&key)?.load(Ordering::Relaxed);
            let forgotten = Duration::from_micros(forgotten);
            forgotten.checked_sub(now + full)
        });
        waits.filter(|wait| !wait.is_zero()).max()
    }

    fn count(&self, attempt: &Attempt, now: Instant) {
        let now = self.since_start(now);
        let most = micros(now + MINUTE);
        for key in self.keys(attempt) {
            let fresh = || Ok::<_, std::convert::Infallible>(Arc::default());
            let Ok(forgotten) = self.failures.get_or_insert_with(&key, fresh);
            let _ = forgotten.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |forgotten| {
                let next = forgotten.max(micros(now)) + micros(self.interval);
                Some(next.min(most))
            });
        }
    }

    fn since_start(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.started)
    }
}

fn proven(attempt: &Attempt) -> Option<Key> {
    let client = attempt.client.clone()?;
    Some(Key::Proven(attempt.address, client))
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

fn refused(wait: Duration) -> Problem {
    let seconds = (wait.as_secs() + u64::from(wait.subsec_nanos() > 0)).max(1);
    ProblemKind::RateLimited
        .with_detail("too many failed authentications; Retry-After says how long to wait")
        .refused_because(AuthFailure::Limited)
        .retry_after(seconds)
}

#[cfg(test)]
mod tests {
    use super::{Attempt, FailureLimit, MAX_ENTRIES};
    use std::net::IpAddr;
    use std::num::NonZeroU32;
    use std::time::{Duration, Instant};

    fn limit(per_minute: u32) -> FailureLimit {
        FailureLimit::new(NonZeroU32::new(per_minute).unwrap())
    }

    fn address(last: u8) -> IpAddr {
        [192, 0, 2, last].into()
    }

    #[test]
    fn failures_are_forgotten_one_by_one_and_waiting_as_long_as_named_suffices() {
        let limit = limit(4);
        let now = Instant::now();
        let attempt = Attempt::by_token(address(1));
        for _ in 0..4 {
            assert_eq!(limit.wait(&attempt, now), None);
            limit.count(&attempt, now);
        }
        let wait = limit.wait(&attempt, now).expect("a wait");
        assert!(wait <= Duration::from_secs(15), "{wait:?}");
        assert_eq!(limit.wait(&Attempt::by_token(address(2)), now), None);
        // What is refused does not make the wait longer, however often it is tried.
        for _ in 0..100 {
            limit.count(&attempt, now);
        }
        assert_eq!(limit.wait(&attempt, now + wait), None);
        limit.count(&attempt, now + wait);
        assert!(limit.wait(&attempt, now + wait).is_some());
        assert_eq!(limit.wait(&attempt, now + Duration::from_mins(2)), None);
    }

    #[test]
    fn a_proven_client_is_counted_apart() {
        let limit = limit(1);
        let now = Instant::now();
        let (home, away) = (
            Attempt::by_secret(address(1), "billing"),
            Attempt::by_secret(address(2), "billing"),
        );
        limit.succeeded(&home);
        limit.count(&away, now);
        assert!(limit.wait(&away, now).is_some());
        let third = Attempt::by_secret(address(3), "billing");
        assert!(limit.wait(&third, now).is_some(), "by the client's id");
        assert_eq!(limit.wait(&home, now), None);
        limit.count(&Attempt::by_token(address(1)), now);
        assert_eq!(limit.wait(&home, now), None, "not by its neighbours");
        limit.count(&home, now);
        assert!(limit.wait(&home, now).is_some(), "by its own failures");
    }

    #[test]
    fn an_ipv6_network_counts_as_one_address() {
        let limit = limit(1);
        let now = Instant::now();
        let of = |text: &str| Attempt::by_token(text.parse().unwrap());
        limit.count(&of("2001:db8::1"), now);
        assert!(limit.wait(&of("2001:db8::ffff:1"), now).is_some());
        assert_eq!(limit.wait(&of("2001:db8:0:1::1"), now), None);
    }

    #[test]
    fn the_tables_are_bounded() {
        let limit = limit(1);
        let now = Instant::now();
        for number in 0..u32::try_from(2 * MAX_ENTRIES).unwrap() {
            let attempt = Attempt::by_secret(IpAddr::from(number.to_be_bytes()), "billing");
            limit.count(&attempt, now);
            limit.succeeded(&attempt);
        }
        assert!(limit.failures.len() <= MAX_ENTRIES);
        assert!(limit.proven.len() <= MAX_ENTRIES);
    }
}
