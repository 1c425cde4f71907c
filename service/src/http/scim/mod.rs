//! SCIM 2.0 (RFC 7643, 7644, 9865): the directory as identity providers keep it.
//!
//! `protocol` is the language itself and knows nothing of us. `representation` turns a user into a resource and back; `users`,
//! `lists`, `bulk` and `discovery` are the handlers; `error` and `answer` write what clients get; `openapi` describes it all.
//! Only with `--scim`.

mod answer;
pub(in crate::http) mod bulk;
pub(in crate::http) mod discovery;
pub(in crate::http) mod error;
pub(in crate::http) mod lists;
pub(in crate::http) mod openapi;
mod origin;
mod plan;
pub(in crate::http) mod protocol;
mod representation;
mod request;
pub(in crate::http) mod users;
