//! What a connection may take: how many there are, and how long each part of a request and an answer.

use super::idle::IdleLimits;
use std::time::Duration;

/// Limits of the connections.
#[derive(Clone, Copy, Debug)]
pub struct ServerLimits {
    /// The most connections at a time; further ones wait to be accepted.
    pub max_connections: usize,
    /// The longest that the head of a request may take to arrive, from its first byte on; for the first one of a
    /// connection, from the beginning of that.
    pub header_timeout: Duration,
    /// How long a connection stays open without a request, once it has had one.
    pub keep_alive_timeout: Duration,
    /// The longest that a client may leave an answer unread.
    pub write_timeout: Duration,
    /// The maximum size of a head that hyper buffers, slightly above the limits that the edge enforces.
    pub head_buffer_bytes: usize,
    /// How long to keep accepting connections during shutdown, for load balancers to notice.
    pub drain_delay: Duration,
    /// The longest that requests in flight may take to end.
    pub drain_timeout: Duration,
}

impl ServerLimits {
    /// How long a connection may be idle.
    pub(super) fn idle(&self) -> IdleLimits {
        IdleLimits {
            first: self.header_timeout,
            next: self.keep_alive_timeout,
        }
    }
}
