//! `cargo xtask dev`.

use std::process::ExitCode;

fn main() -> ExitCode {
    roster_dev::main()
}
