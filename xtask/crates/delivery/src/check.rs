//! The area of `cargo xtask check` that concerns the chart.

pub(crate) mod chart;
