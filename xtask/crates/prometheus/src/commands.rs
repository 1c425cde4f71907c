//! One file for each command.

pub(crate) mod alerts;
pub(crate) mod dashboards;
pub(crate) mod rules;
