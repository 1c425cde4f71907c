//! `cargo xtask infra mutate`: breaks one control after the other in a copy and verifies that its test fails.
//!
//! The mutations are data (`terraform/mutations/*.toml`); how they are run is in `check/terraform/mutations.rs`.

use anyhow::Result;

use crate::check;
use crate::cli::InfraMutateArgs;

/// Runs the given mutations, or all.
pub(crate) fn run(args: &InfraMutateArgs) -> Result<()> {
    check::run_terraform_mutations(&args.names)
}
