//! `cargo xtask image`, `deploy`, `rollback`, `status`, `logs` and `e2e`.

use std::process::ExitCode;

fn main() -> ExitCode {
    xtask_delivery::main()
}
