//! `roster import` and `roster export`: moves a directory into a running service and out of it, over its API.
//!
//! `sources` reads what other programs have written, `mapping` makes users of it. Speaks HTTP/1.1 over sockets and knows
//! nothing of the service's own types.

mod api_args;
pub mod export;
mod failure;
mod http1;
pub mod import;
mod mapping;
mod progress;
mod refused;
mod sources;

pub use api_args::ApiArgs;
pub use failure::BulkError;
