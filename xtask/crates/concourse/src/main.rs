//! `cargo xtask ci`, `notify` and `pipelines`.

use std::process::ExitCode;

fn main() -> ExitCode {
    xtask_concourse::main()
}
