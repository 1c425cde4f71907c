//! Compiles a binary for an image, and proves that the image holds that binary.
//!
//! Where cargo puts it is cargo's to say: variables and configuration files move the target folder.

use std::path::{Path, PathBuf};

use anyhow::Result;

use super::layer;
use super::stamp::stamp;
use xtask::build;
use xtask::failure::{Failure, Kind};
use xtask::run_tool::{quoted, tool};
use xtask::tools;

/// musl if it is installed, otherwise statically linked glibc: both resolve names without other files.
pub(crate) fn target() -> Result<&'static str> {
    let sysroot = tool("rustc")
        .args(["--print", "sysroot"])
        .quiet()
        .output()?;
    let musl = "x86_64-unknown-linux-musl";
    let installed = Path::new(sysroot.trim()).join("lib/rustlib").join(musl);
    Ok(if installed.exists() && tools::is_installed("musl-gcc") {
        musl
    } else {
        "x86_64-unknown-linux-gnu"
    })
}

/// The time that compilers and archivers write where they would write today's: always the same, since build scripts run
/// again, with everything that depends on them, when it changes.
const SOURCE_DATE: &str = "315532800";

/// Compiles the package's binary statically; returns its path. What is compiled does not depend on the commit.
pub(crate) fn compile(package: &str) -> Result<PathBuf> {
    let target = target()?;
    let folders = build_folders()?;
    let mut rust_flags = vec!["-Ctarget-feature=+crt-static".to_owned()];
    rust_flags.extend(remapped("--remap-path-prefix=", &folders));
    // C code in crates: `__FILE__` and debug information of the assembler.
    let c_flags = remapped("-ffile-prefix-map=", &folders);
    let c_flags: Vec<_> = c_flags.iter().map(|flag| quoted(flag)).collect();
    let c_flags = c_flags.join(" ");
    let cargo_build = tool("cargo")
        .args(["auditable", "build", "--release", "--locked"])
        .arg(format!("--package={package}"))
        .arg(format!("--bin={package}"))
        .arg(format!("--target={target}"))
        .arg(format!("--config=target.{target}.rustflags={rust_flags:?}"))
        .env("CFLAGS", c_flags.as_str())
        .env("CXXFLAGS", c_flags.as_str())
        // Folders may have a space in their names.
        .env("CC_SHELL_ESCAPED_FLAGS", "1")
        .env("SOURCE_DATE_EPOCH", SOURCE_DATE);
    build::file_of(&build::artifacts(cargo_build)?, package)
}

/// The directories of this machine that a compiler would write into the binary, with their replacements. The last match
/// wins, so the innermost come last.
fn build_folders() -> Result<Vec<(String, &'static str)>> {
    let cargo_home = std::env::var("CARGO_HOME")
        .or_else(|_| std::env::var("HOME").map(|home| format!("{home}/.cargo")))
        .unwrap_or_default();
    let sysroot = tool("rustc")
        .args(["--print", "sysroot"])
        .quiet()
        .output()?;
    let sources = std::path::absolute(".")?;
    Ok(vec![
        (sysroot.trim().to_owned(), "/rust"),
        (cargo_home, "/cargo"),
        (sources.display().to_string(), "/src"),
        (build::target_folder()?.display().to_string(), "/src/target"),
    ])
}

/// One flag per directory: paths of this machine would make the digest machine-dependent.
fn remapped(flag: &str, folders: &[(String, &str)]) -> Vec<String> {
    folders
        .iter()
        .filter(|(folder, _)| !folder.is_empty())
        .map(|(folder, name)| format!("{flag}{folder}={name}"))
        .collect()
}

/// Refuses a layer that does not hold, byte by byte, the file that was built, with the commit written into it.
pub(crate) fn is_packed(layer: &layer::Layer, binary: &Path, revision: Option<&str>) -> Result<()> {
    let built = std::fs::read(binary)?;
    let built = match revision {
        Some(revision) => stamp(built, revision)?,
        None => built,
    };
    if layer::unpack(layer)? == built {
        return Ok(());
    }
    Err(Failure::new(
        Kind::Check,
        "the image does not hold the binary that was built",
        format!("{} changed while the image was packed", binary.display()),
        "let no other build run meanwhile, then run it again: cargo xtask image build",
    )
    .into())
}

#[cfg(test)]
mod tests {
    use super::is_packed;
    use crate::image::layer;

    #[test]
    fn the_layer_is_compared_with_the_file_that_was_built() {
        let folder = tempfile::tempdir().expect("makes a folder");
        let file = folder.path().join("roster");
        std::fs::write(&file, "just built").expect("writes");
        let pack = |binary: &[u8]| layer::pack(binary, 0).expect("packs");
        assert!(is_packed(&pack(b"just built"), &file, None).is_ok());
        assert!(is_packed(&pack(b"an older one"), &file, None).is_err());
    }
}
