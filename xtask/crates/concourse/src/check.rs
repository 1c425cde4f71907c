//! The `pipelines` area of `cargo xtask check`.

pub(crate) mod pipelines;
