//! The path of what cargo builds, wherever a developer keeps target folders.

#![allow(
    clippy::expect_used,
    reason = "a test that cannot be set up has failed"
)]

use std::fs;
use std::path::Path;

use xtask::build::{artifacts, file_of};
use xtask::run_tool::tool;

/// A package in a folder whose name has a space, with an older binary where target folders usually are.
fn package(root: &Path) {
    let old = root.join("target/release");
    fs::create_dir_all(&old).expect("makes a folder");
    fs::write(old.join("small"), "an older build").expect("writes");
    fs::create_dir_all(root.join("src")).expect("makes a folder");
    fs::write(root.join("src/main.rs"), "fn main() {}").expect("writes");
    let manifest =
        "[package]\nname = \"small\"\nversion = \"0.0.0\"\nedition = \"2024\"\n[workspace]\n";
    fs::write(root.join("Cargo.toml"), manifest).expect("writes");
}

#[test]
fn a_binary_is_where_cargo_put_it() {
    let folder = tempfile::tempdir().expect("makes a folder");
    let elsewhere = folder.path().join("else where");
    let elsewhere = elsewhere.display().to_string();
    for (variable, config) in [
        (Some("CARGO_TARGET_DIR"), None),
        (Some("CARGO_BUILD_TARGET_DIR"), None),
        (None, Some(format!("[build]\ntarget-dir = {elsewhere:?}\n"))),
        (
            Some("CARGO_TARGET_DIR"),
            Some("[build]\ntarget-dir = \"ignored\"\n".to_owned()),
        ),
    ] {
        let root = folder.path().join("with a space");
        package(&root);
        let mut command = tool("cargo")
            .args(["build", "--release", "--offline"])
            .current_dir(&root);
        command = command
            .unset("CARGO_TARGET_DIR")
            .unset("CARGO_BUILD_TARGET_DIR");
        if let Some(variable) = variable {
            command = command.env(variable, &elsewhere);
        }
        if let Some(config) = &config {
            fs::create_dir_all(root.join(".cargo")).expect("makes a folder");
            fs::write(root.join(".cargo/config.toml"), config).expect("writes");
        }
        let built = artifacts(command).expect("builds");
        let file = file_of(&built, "small").expect("is reported");
        assert!(
            file.starts_with(&elsewhere),
            "{variable:?} {config:?}: {}",
            file.display()
        );
        let binary = fs::read(&file).expect("is there");
        assert!(binary.starts_with(b"\x7fELF"), "{variable:?} {config:?}");
        fs::remove_dir_all(&root).expect("removes");
        fs::remove_dir_all(&elsewhere).expect("removes");
    }
}
