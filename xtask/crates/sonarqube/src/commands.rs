//! One file for each command.

pub(crate) mod coverage;
pub(crate) mod sonar;
