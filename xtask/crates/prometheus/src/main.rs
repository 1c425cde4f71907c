//! `cargo xtask rules`, `dashboards` and `e2e alerts`.

use std::process::ExitCode;

fn main() -> ExitCode {
    xtask_prometheus::main()
}
