//! The commands, one file each.

pub(crate) mod deploy;
pub(crate) mod e2e;
pub mod image;
pub(crate) mod rollback;
pub(crate) mod status;
