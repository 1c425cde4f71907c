//! The area of `cargo xtask check` that concerns pipelines.

pub(crate) mod pipelines;
