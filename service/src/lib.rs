//! Roster: a user directory over HTTP, kept in `PostgreSQL`.
//!
//! Calls go one way: `http` → `domain` → `store`. Only `app` sees all three.

pub mod app;
pub mod bulk_client;
pub mod config;
pub mod domain;
pub mod healthcheck;
pub mod http;
pub mod metrics;
pub mod shutdown;
pub mod smoke_test;
pub mod store;
pub mod telemetry;
pub mod trace_context;
mod wire;

pub use app::client_commands;
