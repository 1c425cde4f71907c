//! Runs some of the tests in `service/tests/it` for longer, on a private PostgreSQL that is durable as in production:
//! acknowledged commits are on disk.

use anyhow::Result;
use dev_postgres::Options;

use roster_dev::postgres;
use xtask::run_tool::tool;

/// Runs the tests whose names contain one of `names`; `variables` say for how long.
pub(super) fn run(names: &[&str], variables: &[(&str, String)]) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let mut options = Options::for_tests().map_err(postgres::failure)?;
    for setting in ["fsync", "synchronous_commit"] {
        options = options.setting(setting, "on");
    }
    let server = runtime.block_on(postgres::find_or_start(options))?;
    let mut command = tool("cargo").secret_env("DATABASE_URL", server.url());
    for (name, value) in variables {
        command = command.env(name, value);
    }
    let outcome = command
        .args(["test", "--locked", "--workspace", "--test", "it", "--"])
        .args(names)
        .arg("--nocapture")
        .run();
    runtime.block_on(server.stop()).map_err(postgres::failure)?;
    outcome
}
