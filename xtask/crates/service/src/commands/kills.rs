//! `cargo xtask e2e kills`: runs the test in `service/tests/it/killed.rs` with more kills.

use anyhow::Result;
use dev_postgres::Options;

use crate::cli::KillsArgs;
use roster_dev::postgres;
use xtask::run_tool::tool;

pub(crate) fn run(args: &KillsArgs) -> Result<()> {
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
        .env("ROSTER_TEST_KILLS", args.times.to_string())
        .env("ROSTER_TEST_REPLICAS", args.replicas.to_string())
        .args(["test", "--locked", "--workspace", "--test", "it"])
        .args(["killed", "--", "--nocapture"])
        .run();
    runtime.block_on(server.stop()).map_err(postgres::failure)?;
    outcome
}
