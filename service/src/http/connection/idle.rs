//! When a connection has been idle, or its answers unread, for too long. Idle: no request on it is being answered, and none has come.
//!
//! A first request has to come sooner than the next one: a client that has spoken once will do so again. Looks now and
//! then instead of setting a timer for each request, so that requests pay nothing for it.

use crate::http::edge::activity::Activity;
use crate::http::edge::unread_answers::UnreadAnswers;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// The shortest pause between two looks.
const SHORTEST_PAUSE: Duration = Duration::from_millis(20);

/// How long a connection may be idle.
#[derive(Clone, Copy, Debug)]
pub(super) struct IdleLimits {
    /// Until its first request.
    pub(super) first: Duration,
    /// Between two requests.
    pub(super) next: Duration,
}

/// Ready when an answer has been unread for `limit`, and before it has been for five quarters of it.
pub(super) async fn unread_for_too_long(unread: &UnreadAnswers, limit: Duration) {
    loop {
        let oldest = unread
            .oldest()
            .map_or(Duration::ZERO, |since| since.elapsed());
        let left = limit.saturating_sub(oldest);
        if left.is_zero() {
            return;
        }
        sleep(left.min(limit / 4).max(SHORTEST_PAUSE)).await;
    }
}

/// Ready when the connection has been idle for its limit, and before it has been for five quarters of it.
pub(super) async fn idle_for_too_long(activity: &Activity, limits: IdleLimits) {
    let mut idle_since = Instant::now();
    let mut seen = 0;
    loop {
        let (requests, in_flight) = activity.now();
        if in_flight > 0 || requests != seen {
            seen = requests;
            idle_since = Instant::now();
        }
        let limit = if requests == 0 {
            limits.first
        } else {
            limits.next
        };
        let left = limit.saturating_sub(idle_since.elapsed());
        if left.is_zero() {
            return;
        }
        sleep(left.min(limit / 4).max(SHORTEST_PAUSE)).await;
    }
}
