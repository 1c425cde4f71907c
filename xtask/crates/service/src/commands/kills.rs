//! `cargo xtask e2e kills`: runs the test in `service/tests/it/killed.rs` with more kills.

use anyhow::Result;

use super::durable_tests;
use crate::cli::KillsArgs;

pub(crate) fn run(args: &KillsArgs) -> Result<()> {
    durable_tests::run(
        &["killed"],
        &[
            ("ROSTER_TEST_KILLS", args.times.to_string()),
            ("ROSTER_TEST_REPLICAS", args.replicas.to_string()),
        ],
    )
}
