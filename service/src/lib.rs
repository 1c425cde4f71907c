//! Roster: a user directory over HTTP, kept in `PostgreSQL`.
//!
//! Calls go one way: `http` → `domain` → `store`. Only `app` sees all three.

pub mod domain;
pub mod metrics;
pub mod store;
pub mod telemetry;
pub mod trace_context;
