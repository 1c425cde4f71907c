//! `cargo xtask coverage` and `sonar`.

use std::process::ExitCode;

fn main() -> ExitCode {
    xtask_sonarqube::main()
}
