//! The checks of the sources.

use std::process::ExitCode;

fn main() -> ExitCode {
    xtask_sources::main()
}
