//! `cargo xtask e2e bulk`: runs the tests of interrupted imports and of followers that start by an export for longer.

use anyhow::Result;
use dev_postgres::Options;

use crate::cli::BulkArgs;
use roster_dev::postgres;
use xtask::run_tool::tool;

pub(crate) fn run(args: &BulkArgs) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    // Durable, as in production: acknowledged commits are on disk.
    let mut options = Options::for_tests().map_err(postgres::failure)?;
    for setting in ["fsync", "synchronous_commit"] {
        options = options.setting(setting, "on");
    }
    let server = runtime.block_on(postgres::find_or_start(options))?;
    let outcome = tool("cargo")
        .secret_env("DATABASE_URL", server.url())
        .env("ROSTER_TEST_IMPORT_KILLS", args.import_kills.to_string())
        .env("ROSTER_TEST_FOLLOWERS", args.followers.to_string())
        .env("ROSTER_TEST_FOLLOW_SECONDS", args.seconds.to_string())
        .env("ROSTER_TEST_FOLLOW_KILLS", args.kills.to_string())
        .args(["test", "--locked", "--workspace", "--test", "it", "--"])
        .args(["import_interrupted::", "continued_export::", "--nocapture"])
        .run();
    runtime.block_on(server.stop()).map_err(postgres::failure)?;
    outcome
}
