//! `cargo xtask infra`.

use std::process::ExitCode;

fn main() -> ExitCode {
    xtask_terraform::main()
}
