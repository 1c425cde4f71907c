//! The parts of `cargo xtask e2e`: a database outside of the cluster, load, and releases broken on purpose.
//!
//! The sequence is in `commands/e2e.rs`.

pub mod bad_release;
pub(crate) mod certificate;
pub(crate) mod client;
pub(crate) mod database;
pub(crate) mod load;
pub(crate) mod namespace;
pub(crate) mod redirecting;
