//! The source checks.

use std::process::ExitCode;

fn main() -> ExitCode {
    xtask_sources::main()
}
