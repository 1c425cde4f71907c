//! `cargo xtask e2e bulk`: runs the tests of interrupted imports and of followers that start by an export for longer.

use anyhow::Result;

use super::durable_tests;
use crate::cli::BulkArgs;

pub(crate) fn run(args: &BulkArgs) -> Result<()> {
    durable_tests::run(
        &["import_interrupted::", "continued_export::"],
        &[
            ("ROSTER_TEST_IMPORT_KILLS", args.import_kills.to_string()),
            ("ROSTER_TEST_FOLLOWERS", args.followers.to_string()),
            ("ROSTER_TEST_FOLLOW_SECONDS", args.seconds.to_string()),
            ("ROSTER_TEST_FOLLOW_KILLS", args.kills.to_string()),
        ],
    )
}
