//! `cargo xtask bench`.

use std::process::ExitCode;

fn main() -> ExitCode {
    roster_bench::main()
}
