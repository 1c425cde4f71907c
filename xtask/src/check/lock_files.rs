//! Lock files: every Cargo.lock fits its manifest, those of the workspaces that no other command builds as well.

use anyhow::Result;

use xtask::failure::{Failure, Kind};
use xtask::git;
use xtask::run_tool::tool;

pub(crate) fn run() -> Result<()> {
    let lock_files = git::files(&["Cargo.lock", "*/Cargo.lock"])?;
    anyhow::ensure!(!lock_files.is_empty(), "no lock file was found");
    let mut stale = Vec::new();
    for lock_file in lock_files {
        let manifest = lock_file.replace(".lock", ".toml");
        if std::fs::read_to_string(&manifest)?.contains("path = \"generated\"") {
            printing::eprintln!("{lock_file}: left to the command that generates its dependency");
            continue;
        }
        let update = tool("cargo").args(["update", "--workspace", "--manifest-path", &manifest]);
        if update.arg("--locked").run().is_err() {
            stale.push(manifest);
        }
    }
    if stale.is_empty() {
        return Ok(());
    }
    let next: Vec<_> = stale
        .iter()
        .map(|manifest| format!("cargo update --workspace --manifest-path {manifest}"))
        .collect();
    Err(Failure::new(
        Kind::Check,
        "lock files do not fit their manifests",
        stale.join("\n"),
        next.join("\n"),
    )
    .into())
}
