//! The edge: everything that a request passes before its handler, and its response after it. Sizes, admission,
//! authentication, rates, methods, bodies, panics, request ids, metrics and the access log.
//!
//! Knows requests and which route they name. Must not know users, SQL or the wire format of any document.

pub(super) mod activity;
pub(super) mod bearer_auth;
pub(super) mod body_admission;
pub(super) mod client_address;
pub(super) mod concurrency_limit;
pub(super) mod cors;
pub(super) mod counts_by_key;
mod exchange;
pub(super) mod failure_limit;
pub(super) mod failures;
pub(super) mod gate;
pub(super) mod methods;
pub(super) mod plain_http;
pub(super) mod preconditions;
pub(super) mod rate_limit;
pub(super) mod receive;
pub(super) mod request_id;
pub(super) mod service;
mod transport_policy;
pub(super) mod unread_answers;
pub(super) mod unread_bodies;
