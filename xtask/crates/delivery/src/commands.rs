//! The commands, one file each.

pub(crate) mod call;
pub(crate) mod chart;
pub(crate) mod deploy;
pub(crate) mod e2e;
pub mod image;
pub(crate) mod rollback;
pub(crate) mod setup;
pub(crate) mod status;
pub(crate) mod uninstall;
