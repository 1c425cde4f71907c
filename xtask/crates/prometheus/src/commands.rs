//! The commands, one file each.

pub(crate) mod alerts;
pub(crate) mod dashboards;
pub(crate) mod rules;
