//! The API: the table of routes, a handler for each operation, the JSON that they read and write, and the OpenAPI
//! document that describes them.
//!
//! A handler gets a request that the edge has admitted and makes one call of the domain. Must not know connections,
//! tokens or SQL.

pub(super) mod bulk;
pub(super) mod changes;
pub(super) mod cursor;
pub(super) mod dispatch;
pub(super) mod docs;
#[cfg(any(test, fuzzing))]
pub(super) mod fuzzing;
mod idempotency;
pub(super) mod list_query;
pub(super) mod list_users;
pub(super) mod meta;
pub(super) mod oauth_error;
pub(super) mod openapi;
pub(super) mod patch;
pub(super) mod probes;
pub(super) mod route;
mod route_table;
pub(super) mod service;
pub(super) mod tokens;
pub(super) mod user_json;
pub(super) mod users;
pub(super) mod waiting;
