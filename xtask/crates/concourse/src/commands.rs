//! The commands, one file each.

pub(crate) mod ci_flow;
pub(crate) mod notify;
pub(crate) mod pipelines;
