//! The areas of `cargo xtask check` that concern the service as a whole.

pub(crate) mod openapi;
