//! Writes the commit into a linked binary, so that no commit compiles anything for its name alone (docs/adr/0073).
//!
//! `service/src/app/build.rs` reserves the place; nothing else of the binary changes.

use std::path::Path;

use anyhow::{Context, Result};
use memchr::memmem;

use xtask::failure::{Failure, Kind};
use xtask::run_tool::tool;

/// What stands before the digits; `service/src/app/build.rs` has the same.
const MARK: &[u8] = b"roster-revision=";
const DIGITS: usize = 40;

/// The binary with the commit written into it.
pub(crate) fn stamp(mut binary: Vec<u8>, revision: &str) -> Result<Vec<u8>> {
    if revision.len() != DIGITS || !revision.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return Err(Failure::new(
            Kind::Check,
            format!("the commit `{revision}` cannot be written into the binary"),
            format!("there is room for {DIGITS} hexadecimal digits: the repository uses another hash than SHA-1"),
            "enlarge STAMP in service/src/app/build.rs",
        )
        .into());
    }
    let blank = [MARK, &[b'0'; DIGITS]].concat();
    let places: Vec<usize> = memmem::find_iter(&binary, &blank).collect();
    if places.is_empty() {
        return Err(Failure::new(
            Kind::Check,
            "the binary has no place for the commit",
            "STAMP of service/src/app/build.rs is not in it",
            "build again: cargo clean --release --package roster, then cargo xtask image build",
        )
        .into());
    }
    for place in places {
        let digits = place + MARK.len()..place + MARK.len() + DIGITS;
        binary[digits].copy_from_slice(revision.as_bytes());
    }
    Ok(binary)
}

/// Refuses a binary that does not name the commit when it is run. One that cannot run on this machine is not asked.
pub(crate) fn names_itself(binary: &[u8], revision: &str) -> Result<()> {
    let folder = tempfile::tempdir().context("cannot make a temporary folder")?;
    let file = folder.path().join("roster");
    write_executable(&file, binary)?;
    let Ok(said) = tool(file.display().to_string())
        .arg("--version")
        .quiet()
        .output()
    else {
        printing::eprintln!("  not proven: the binary cannot run here, so --version was not asked");
        return Ok(());
    };
    if said.contains(revision) {
        return Ok(());
    }
    Err(Failure::new(
        Kind::Check,
        "the binary does not name its commit",
        format!(
            "roster --version prints `{}` instead of {revision}",
            said.trim()
        ),
        "the compiler replaced the read of STAMP in service/src/app/build.rs: keep it from that",
    )
    .into())
}

fn write_executable(file: &Path, binary: &[u8]) -> Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::write(file, binary).with_context(|| format!("cannot write {}", file.display()))?;
    std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o755))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{names_itself, stamp};

    const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

    #[test]
    fn the_commit_is_written_into_every_place_and_nothing_else_changes() {
        let blank = "roster-revision=0000000000000000000000000000000000000000";
        let binary = format!("\x7fELF{blank}|{blank}!").into_bytes();
        let stamped = stamp(binary.clone(), COMMIT).expect("has places");
        let wanted = format!("\x7fELFroster-revision={COMMIT}|roster-revision={COMMIT}!");
        assert_eq!(stamped, wanted.into_bytes());
        // Another commit's binary has no place left.
        assert!(stamp(stamped, COMMIT).is_err());
        assert!(stamp(binary, "0123").is_err());
    }

    #[test]
    fn a_binary_that_does_not_name_the_commit_is_refused() {
        let program = |said: &str| format!("#!/bin/sh\necho roster 0.1.0 '({said})'\n");
        assert!(names_itself(program(COMMIT).as_bytes(), COMMIT).is_ok());
        assert!(names_itself(program("unknown").as_bytes(), COMMIT).is_err());
    }
}
