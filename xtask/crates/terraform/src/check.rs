//! The area of `cargo xtask check` that concerns the cloud.

pub(crate) mod terraform;

pub(crate) use terraform::run_mutations as run_terraform_mutations;
