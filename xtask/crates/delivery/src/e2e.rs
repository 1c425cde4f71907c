//! What `cargo xtask e2e` is made of: a database outside of the cluster, load, and releases that are bad on purpose.
//!
//! The walk through them is in `commands/e2e.rs`.

pub mod bad_release;
pub(crate) mod certificate;
pub(crate) mod client;
pub(crate) mod database;
pub(crate) mod load;
pub(crate) mod namespace;
