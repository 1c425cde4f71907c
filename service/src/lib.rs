//! Roster: a user directory over HTTP, kept in `PostgreSQL`.

pub mod metrics;
pub mod telemetry;
pub mod trace_context;
