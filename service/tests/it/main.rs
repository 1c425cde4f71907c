//! The service as its clients meet it: HTTP on a real socket, over a real `PostgreSQL`.
//!
//! One file for each behaviour; `test_app` starts the app, `dev_postgres::Relay` cuts it off from its database.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stderr,
    clippy::panic,
    clippy::too_many_lines,
    clippy::similar_names,
    clippy::duration_suboptimal_units,
    reason = "a test fails by panicking, and runs one scenario from start to end"
)]

mod access;
mod access_log;
mod bulk_command;
mod canaries;
mod cardinality;
mod certificates;
mod change_feed;
mod conditions;
mod continued_export;
mod cors;
mod create_user;
mod database_hosts;
mod database_outage;
mod database_sessions;
mod database_tls;
mod delete_user;
mod email_addresses;
mod export;
mod failed_authentication;
mod full_log_disk;
mod grouping;
mod histories;
#[cfg(target_os = "linux")]
mod hostile_memory;
mod hostile_requests;
mod hot_rows;
mod http2;
mod http_edges;
mod https;
mod idempotency;
mod idle_connections;
mod import;
mod import_interrupted;
mod interim_responses;
mod issuer_keys;
mod joined_pages;
mod json_patch_cases;
mod killed;
mod list_users;
mod oidc;
mod outage_under_load;
mod overload;
mod patch_user;
mod plain_http;
mod plan_changes;
mod problems;
mod program;
mod promoted_standby;
mod publications;
mod rate_limit;
mod read_user;
mod renewed_secrets;
mod replace_user;
mod schema_migrations;
mod scim;
mod shutdown;
mod slow_senders;
mod spawned;
mod test_app;
mod token_endpoint;
mod token_rules;
mod tokens;
mod unread_answers;
mod waiting_readers;
mod write_only_clients;
