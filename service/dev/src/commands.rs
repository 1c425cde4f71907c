//! The commands of `roster-dev`, one file each.

pub(crate) mod dev;
pub(crate) mod find_postgres;
