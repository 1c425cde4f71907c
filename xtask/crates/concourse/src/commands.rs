//! One file for each command.

pub(crate) mod ci_flow;
pub(crate) mod notify;
pub(crate) mod pipelines;
