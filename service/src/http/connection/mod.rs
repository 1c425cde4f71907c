//! Connections: accepting them, TLS, HTTP/1.1 and HTTP/2, the threads that serve them, and their orderly end.
//!
//! Knows bytes and protocols, and hands every request to the `edge`. Must not know routes, users or tokens.

pub(super) mod connection_io;
pub(super) mod http2;
pub(super) mod idle;
pub(super) mod limits;
pub(super) mod server;
pub(super) mod tls;
pub(super) mod workers;
pub(super) mod write_deadline;
