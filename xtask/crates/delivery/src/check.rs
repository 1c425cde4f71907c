//! The `chart` area of `cargo xtask check`.

pub(crate) mod chart;
