//! `cargo xtask test`, `contract` and the stories of `e2e` that need no cluster.

use std::process::ExitCode;

fn main() -> ExitCode {
    xtask_service::main()
}
