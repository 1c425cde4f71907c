//! The limits of the store: how many connections, how long each thing may take, how much is batched.

use std::time::Duration;

/// Limits of the connections.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The most connections at a time.
    pub size: usize,
    /// The longest wait for a free connection.
    pub wait_timeout: Duration,
    /// The longest wait for a new connection.
    pub connect_timeout: Duration,
    /// The longest run of a statement, kept by the server.
    pub statement_timeout: Duration,
    /// The longest wait for a row that somebody else has locked, kept by the server.
    pub lock_timeout: Duration,
    /// How long a connection may lie unused.
    pub idle_timeout: Duration,
    /// The longest that a request waits for the store in all: connection, queue and statement.
    pub store_timeout: Duration,
    /// The most point reads that join into one statement.
    pub max_read_batch: usize,
    /// The most writes that join into one transaction.
    pub max_write_batch: usize,
}

/// Limits of exports and imports.
#[derive(Clone, Copy, Debug)]
pub struct BulkLimits {
    /// The longest that an export may hold its snapshot.
    pub export_timeout: Duration,
    /// The longest that an export may wait for its client.
    pub stall_timeout: Duration,
    /// The most connections, beside those of the pool that requests share.
    pub connections: usize,
}

impl Default for BulkLimits {
    fn default() -> Self {
        Self {
            export_timeout: Duration::from_mins(10),
            stall_timeout: Duration::from_mins(1),
            connections: 1,
        }
    }
}
