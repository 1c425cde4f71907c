//! The commands, one file each.

pub(crate) mod coverage;
pub(crate) mod sonar;
