//! The service as its clients meet it: HTTP on a real socket, over a real `PostgreSQL`.
//!
//! One file for each behaviour; `test_app` starts the app, `relay` cuts it off from its database.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::too_many_lines,
    clippy::similar_names,
    clippy::duration_suboptimal_units,
    reason = "a test fails by panicking, and tells one story from its beginning to its end"
)]

mod access;
mod certificates;
mod change_feed;
mod create_user;
mod database_outage;
mod delete_user;
mod grouping;
mod hostile_requests;
mod http2;
mod https;
mod idempotency;
mod list_users;
mod oidc;
mod patch_user;
mod problems;
mod rate_limit;
mod read_user;
mod relay;
mod replace_user;
mod shutdown;
mod test_app;
mod token_endpoint;
mod tokens;
