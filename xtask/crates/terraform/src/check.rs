//! The `terraform` area of `cargo xtask check`.

pub(crate) mod terraform;

pub(crate) use terraform::run_mutations as run_terraform_mutations;
