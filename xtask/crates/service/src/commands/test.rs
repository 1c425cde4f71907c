//! `cargo xtask test`: all tests of the workspace, on one PostgreSQL that is found or started for them.
//!
//! The tests get the server through `DATABASE_URL`, so that all test programs share it; each test creates its own
//! database. Without a PostgreSQL, nothing is tested and the command fails.

use anyhow::Result;
use dev_postgres::{Choice, Options, embedded};

use crate::cli::TestArgs;
use roster_dev::postgres;
use xtask::failure::{Failure, Kind};
use xtask::run_tool::tool;

/// The tests of the HTTP API: of those that need a PostgreSQL, the ones that differ by its version.
const HTTP_TESTS: [&str; 2] = ["--test", "it"];

pub(crate) fn run(args: &TestArgs) -> Result<()> {
    if args.postgres_matrix {
        return matrix(&args.cargo_args);
    }
    let mut options = Options::for_tests().map_err(postgres::failure)?;
    if let Some(choice) = &args.postgres {
        options = options.choose(choice);
    }
    let source = test_on(options, &args.cargo_args)?;
    printing::eprintln!("all tests passed on {source}");
    Ok(())
}

/// Runs the tests on each pinned version; one that fails does not hide the others.
fn matrix(cargo_args: &[String]) -> Result<()> {
    let mut failed = Vec::new();
    let mut lines = Vec::new();
    for major in embedded::majors() {
        let options = Options::for_tests().map_err(postgres::failure)?;
        let options = options.choose(&Choice::Embedded(major));
        let http_tests = HTTP_TESTS.iter().map(|word| (*word).to_owned());
        let cargo_args: Vec<String> = http_tests.chain(cargo_args.iter().cloned()).collect();
        match test_on(options, &cargo_args) {
            Ok(source) => lines.push(format!("passed  {source}")),
            Err(error) => {
                xtask::failure::report(&error);
                lines.push(format!("FAILED  PostgreSQL {major}: {error}"));
                failed.push(major.to_string());
            }
        }
    }
    printing::println!("{}", lines.join("\n"));
    if failed.is_empty() {
        return Ok(());
    }
    let what = format!("the tests failed on PostgreSQL {}", failed.join(", "));
    let next = "run those of one version: cargo xtask test --postgres 18 -- --test it";
    Err(Failure::new(Kind::Check, what, "their output is above", next).into())
}

/// Runs `cargo test` on one server; returns what the server is.
fn test_on(options: Options, cargo_args: &[String]) -> Result<String> {
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
        .args(cargo_args)
        .run();
    runtime.block_on(server.stop()).map_err(postgres::failure)?;
    outcome?;
    Ok(source)
}
