//! `cargo xtask test`, `contract` and the end-to-end tests without a cluster.

use std::process::ExitCode;

fn main() -> ExitCode {
    xtask_service::main()
}
