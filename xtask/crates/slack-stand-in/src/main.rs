//! `cargo xtask slack-stand-in`.

use std::process::ExitCode;

fn main() -> ExitCode {
    slack_stand_in::main()
}
