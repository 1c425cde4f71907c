//! The target of request spans: the log ignores it, the exporter handles nothing else.

/// The target of spans meant for export. Nothing is logged under it.
pub(super) const SPAN_TARGET: &str = "roster::request";
