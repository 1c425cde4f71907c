//! Rate limits: a token bucket for each client, and the header fields that report its state
//! (draft-ietf-httpapi-ratelimit-headers).
//!
//! The table of buckets is bounded: the least recently used bucket is evicted first, and an evicted client starts with a
//! full bucket.

use super::client_address::network_of;
use governor::clock::{Clock, DefaultClock};
use governor::middleware::StateInformationMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use http::header::RETRY_AFTER;
use http::{HeaderMap, HeaderName, HeaderValue};
use quick_cache::sync::Cache;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
/// Maximum number of buckets.
const MAX_CLIENTS: usize = 65_536;

/// The rate limit of a client.
#[derive(Clone, Copy, Debug)]
pub struct RateQuota {
    /// Sustained requests per second.
    pub per_second: NonZeroU32,
    /// Requests at once after a pause.
    pub burst: NonZeroU32,
}

/// Whose bucket it is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum RateKey {
    /// An authenticated client.
    Client(Arc<str>),
    /// An address, where clients are not authenticated.
    Peer(IpAddr),
}

impl RateKey {
    /// The bucket of an address. Of an IPv6 address the network counts: a host has 2^64 of them.
    pub(super) fn of_peer(address: IpAddr) -> Self {
        Self::Peer(network_of(address))
    }
}

type Bucket = RateLimiter<NotKeyed, InMemoryState, DefaultClock, StateInformationMiddleware>;

/// The buckets of all clients.
pub struct RateLimits {
    quota: Quota,
    /// Time for a bucket to fill, in whole seconds.
    window_s: u64,
    policy: HeaderValue,
    clock: DefaultClock,
    buckets: Cache<RateKey, Arc<Bucket>>,
}

/// The state of a client's bucket after a request.
#[derive(Clone, Copy, Debug)]
pub(super) struct RateState {
    /// How long to wait before the next attempt; `None` when the request was admitted.
    pub(super) refused_for: Option<Duration>,
    remaining: u32,
    reset_s: u64,
}

impl RateLimits {
    /// Limits every client to `quota`.
    pub fn new(quota: RateQuota) -> Self {
        let RateQuota { per_second, burst } = quota;
        let window_s = u64::from(burst.get()).div_ceil(u64::from(per_second.get()));
        let policy = format!("\"default\";q={burst};w={window_s}");
        Self {
            quota: Quota::per_second(per_second).allow_burst(burst),
            window_s,
            policy: HeaderValue::try_from(policy)
                .unwrap_or(HeaderValue::from_static("\"default\"")),
            clock: DefaultClock::default(),
            buckets: Cache::new(MAX_CLIENTS),
        }
    }

    /// Takes one request out of the bucket of `key`.
    pub(super) fn take(&self, key: &RateKey) -> RateState {
        let bucket = self
            .buckets
            .get(key)
            .unwrap_or_else(|| self.new_bucket(key));
        match bucket.check() {
            Ok(state) => {
                let remaining = state.remaining_burst_capacity();
                let missing = u64::from(self.quota.burst_size().get().saturating_sub(remaining));
                let reset_s =
                    (missing * self.window_s).div_ceil(u64::from(self.quota.burst_size().get()));
                RateState {
                    refused_for: None,
                    remaining,
                    reset_s,
                }
            }
            Err(not_until) => {
                let wait = not_until.wait_time_from(self.clock.now());
                RateState {
                    refused_for: Some(wait),
                    remaining: 0,
                    reset_s: whole_seconds(wait),
                }
            }
        }
    }

    fn new_bucket(&self, key: &RateKey) -> Arc<Bucket> {
        let fresh = || Arc::new(RateLimiter::direct(self.quota).with_middleware());
        // Two first requests at once must share one bucket.
        let made = self
            .buckets
            .get_or_insert_with(key, || Ok::<_, std::convert::Infallible>(fresh()));
        match made {
            Ok(bucket) => bucket,
            Err(never) => match never {},
        }
    }

    /// Adds the header fields that report `state`.
    pub(super) fn set_headers(&self, state: RateState, headers: &mut HeaderMap) {
        let text = format!("\"default\";r={};t={}", state.remaining, state.reset_s);
        if let Ok(value) = HeaderValue::try_from(text) {
            headers.insert(RATE_LIMIT, value);
        }
        headers.insert(RATE_LIMIT_POLICY, self.policy.clone());
        if let Some(wait) = state.refused_for {
            headers.insert(RETRY_AFTER, HeaderValue::from(whole_seconds(wait)));
        }
    }
}

/// Rounded up, and at least one: waiting that long is long enough.
fn whole_seconds(wait: Duration) -> u64 {
    (wait.as_secs() + u64::from(wait.subsec_nanos() > 0)).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(per_second: u32, burst: u32) -> RateLimits {
        let number = |n| NonZeroU32::new(n).unwrap();
        RateLimits::new(RateQuota {
            per_second: number(per_second),
            burst: number(burst),
        })
    }

    fn client(name: &str) -> RateKey {
        RateKey::Client(name.into())
    }

    fn fields(limits: &RateLimits, state: RateState) -> (String, String, Option<String>) {
        let mut headers = HeaderMap::new();
        limits.set_headers(state, &mut headers);
        let text = |name: &HeaderName| {
            headers
                .get(name)
                .map(|value| value.to_str().unwrap().to_owned())
        };
        (
            text(&RATE_LIMIT).unwrap(),
            text(&RATE_LIMIT_POLICY).unwrap(),
            text(&RETRY_AFTER),
        )
    }

    #[test]
    fn a_request_over_the_limit_is_refused_until_retry_after_has_elapsed() {
        let limits = limits(2, 4);
        for left in (0..4).rev() {
            let state = limits.take(&client("a"));
            assert!(state.refused_for.is_none());
            assert!(
                fields(&limits, state)
                    .0
                    .starts_with(&format!("\"default\";r={left};t="))
            );
        }
        let refused = limits.take(&client("a"));
        let (state, policy, retry_after) = fields(&limits, refused);
        assert_eq!(
            (state.as_str(), policy.as_str()),
            ("\"default\";r=0;t=1", "\"default\";q=4;w=2")
        );
        let seconds: u64 = retry_after.expect("Retry-After").parse().unwrap();
        std::thread::sleep(Duration::from_secs(seconds));
        assert!(
            limits.take(&client("a")).refused_for.is_none(),
            "obeying Retry-After leads to success"
        );
    }

    #[test]
    fn clients_do_not_share_buckets() {
        let limits = limits(1, 1);
        assert!(limits.take(&client("a")).refused_for.is_none());
        assert!(limits.take(&client("a")).refused_for.is_some());
        assert!(limits.take(&client("b")).refused_for.is_none());
    }

    #[test]
    fn an_ipv6_network_has_one_bucket() {
        let of = |text: &str| RateKey::of_peer(text.parse().unwrap());
        assert_eq!(of("2001:db8::1"), of("2001:db8::ffff:1"));
        assert_ne!(of("2001:db8::1"), of("2001:db8:0:1::1"));
        assert_eq!(of("::ffff:192.0.2.1"), of("192.0.2.1"));
        assert_ne!(of("192.0.2.2"), of("192.0.2.1"));
    }

    #[test]
    fn the_table_of_buckets_is_bounded() {
        let limits = limits(1, 1);
        for i in 0..(MAX_CLIENTS + 10_000) {
            limits.take(&client(&i.to_string()));
        }
        assert!(
            limits.buckets.len() <= MAX_CLIENTS,
            "{}",
            limits.buckets.len()
        );
    }
}
