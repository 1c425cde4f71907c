//! The areas of `cargo xtask check` for the service as a whole.

pub(crate) mod openapi;
pub(crate) mod settings;
