//! Says on the terminal that `cargo xtask` is being compiled: the alias passes --quiet to cargo, and the first time takes a
//! while. Compiled once; a terminal is written to by its own name, since cargo captures the output of build scripts.

use std::io::Write as _;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    if let Ok(mut terminal) = std::fs::OpenOptions::new().write(true).open("/dev/tty") {
        let _ = writeln!(
            terminal,
            "compiling cargo xtask, which takes a minute or two the first time …"
        );
    }
}
