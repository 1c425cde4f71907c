//! What `roster-dev` does: one file for each command.

pub(crate) mod dev;
pub(crate) mod find_postgres;
