//! `cargo xtask test`: all tests of the workspace, on one PostgreSQL that is found or started for them.
//!
//! The tests get the server through `DATABASE_URL`, so that all test programs share it; each test creates its own
//! database. Without a PostgreSQL, nothing is tested and the command fails.

use anyhow::Result;
use dev_postgres::{Options, Prefer};

use crate::cli::{PostgresKind, TestArgs};
use roster_dev::postgres;
use xtask::run_tool::tool;

pub(crate) fn run(args: &TestArgs) -> Result<()> {
    let mut options = Options::for_tests().map_err(postgres::failure)?;
    match args.postgres {
        None => {}
        Some(PostgresKind::Private) => options.prefer = Prefer::Private,
        Some(PostgresKind::Container) => options.prefer = Prefer::Container { required: true },
    }
    if args.postgres.is_some() {
        options.database_url = None;
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let server = runtime.block_on(postgres::find_or_start(options))?;
    let source = server.source().to_string();
    printing::eprintln!("postgres: tests run on {source}");
    // Ctrl-C ends us and cargo; the server's watchdog stops the server.
    let outcome = tool("cargo")
        .secret_env("DATABASE_URL", server.url())
        .args(["test", "--workspace", "--locked", "--no-fail-fast"])
        .args(&args.cargo_args)
        .run();
    runtime.block_on(server.stop()).map_err(postgres::failure)?;
    outcome?;
    printing::eprintln!("all tests passed on {source}");
    Ok(())
}
