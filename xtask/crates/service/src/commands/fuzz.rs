//! `cargo xtask fuzz`: runs the fuzz targets in `service/fuzz` with libFuzzer, each for some time.
//!
//! The flags are those of cargo-fuzz, which is not needed: coverage counters are available in the stable compiler.
//! `AddressSanitizer` is added where the toolchain has its runtime, for what is written in C (`aws-lc`) and for the limit on
//! memory; it needs a flag that the stable compiler takes with `RUSTC_BOOTSTRAP` alone.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::cli::FuzzArgs;
use xtask::failure::{Failure, Kind};
use xtask::run_tool::tool;

/// The targets, in the order in which they run.
pub(crate) const TARGETS: [&str; 9] = [
    "cursor",
    "head",
    "patch",
    "query",
    "records",
    "scim-filter",
    "scim-patch",
    "scim-request",
    "token",
];
const MANIFEST: &str = "service/fuzz/Cargo.toml";
/// Inputs that are kept: they are tests, too.
const CORPUS: &str = "service/fuzz/corpus";
/// Where everything is built, and what is found during a run.
const FOLDER: &str = "target/fuzz";
const PLATFORM: &str = "x86_64-unknown-linux-gnu";

/// What libFuzzer reads: how often each edge was taken, where it is, and what was compared with what.
const COVERAGE: [&str; 6] = [
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "--cfg fuzzing",
];

/// The slowest input that is not a finding, in seconds.
const SLOWEST_S: u32 = 5;
/// The memory of a whole run, in MiB, and of one allocation: an input has 64 KiB at most.
const MEMORY_MIB: u32 = 2048;
const ALLOCATION_MIB: u32 = 64;
const LONGEST_INPUT_BYTES: u32 = 65_536;
/// The longest input that is kept in the repository.
const LONGEST_KEPT_BYTES: u32 = 1024;

pub(crate) fn run(args: &FuzzArgs) -> Result<()> {
    let programs = build()?;
    let targets: Vec<&str> = match &args.target {
        Some(target) => vec![target],
        None => TARGETS.to_vec(),
    };
    for target in targets {
        let program = programs.join(target);
        if args.seconds > 0 {
            fuzz(&program, target, args.seconds)?;
        }
        if args.minimize {
            minimize(&program, target)?;
        }
    }
    Ok(())
}

/// Builds all targets; returns the folder with the programs.
fn build() -> Result<PathBuf> {
    let mut flags = COVERAGE.join(" ");
    let mut cargo = tool("cargo");
    if has_sanitizer()? {
        flags.push_str(" -Zsanitizer=address");
        cargo = cargo.env("RUSTC_BOOTSTRAP", "1");
    } else {
        printing::eprintln!(
            "not proven: memory errors outside of Rust, and the limit on memory (no AddressSanitizer)"
        );
    }
    // The lines of a stack trace.
    flags.push_str(" -Cdebuginfo=1");
    cargo
        .env("CARGO_TARGET_DIR", FOLDER)
        .env("RUSTFLAGS", flags)
        .args(["build", "--release", "--locked", "--target", PLATFORM])
        .args(["--manifest-path", MANIFEST])
        .run()?;
    Ok(Path::new(FOLDER).join(PLATFORM).join("release"))
}

/// Whether the toolchain has the runtime of `AddressSanitizer`.
fn has_sanitizer() -> Result<bool> {
    let folder = tool("rustc")
        .args(["--print", "target-libdir", "--target", PLATFORM])
        .quiet()
        .output()?;
    let files = std::fs::read_dir(folder.trim())
        .with_context(|| format!("cannot list {}", folder.trim()))?;
    Ok(files
        .filter_map(|file| file.ok()?.file_name().into_string().ok())
        .any(|name| name.ends_with("rt.asan.a")))
}

fn fuzz(program: &Path, target: &str, seconds: u32) -> Result<()> {
    let found = Path::new(FOLDER).join("corpus").join(target);
    let artifacts = Path::new(FOLDER).join("artifacts").join(target);
    for folder in [&found, &artifacts] {
        std::fs::create_dir_all(folder)
            .with_context(|| format!("cannot create {}", folder.display()))?;
    }
    let status = libfuzzer(program, LONGEST_INPUT_BYTES)
        .args([&found, &kept(target)])
        .arg(format!("-max_total_time={seconds}"))
        .arg(format!("-timeout={SLOWEST_S}"))
        .arg(format!("-artifact_prefix={}/", artifacts.display()))
        .arg("-print_final_stats=1")
        .status()?;
    if status.success() {
        return Ok(());
    }
    let next = format!(
        "the input is in {}; run `{} FILE` to repeat it, fix the cause, and keep the input in {CORPUS}/{target} as a test",
        artifacts.display(),
        program.display()
    );
    Err(Failure::new(
        Kind::Check,
        format!("fuzzing {target} found a defect"),
        format!("the program ended with {status}; its output is above"),
        next,
    )
    .into())
}

/// Replaces the kept inputs by as few as reach the same code as all that are known.
fn minimize(program: &Path, target: &str) -> Result<()> {
    let merged = Path::new(FOLDER).join("minimized").join(target);
    let _ = std::fs::remove_dir_all(&merged);
    std::fs::create_dir_all(&merged)
        .with_context(|| format!("cannot create {}", merged.display()))?;
    let found = Path::new(FOLDER).join("corpus").join(target);
    std::fs::create_dir_all(&found)
        .with_context(|| format!("cannot create {}", found.display()))?;
    // Edges alone: how often each was taken makes ten times as many inputs.
    libfuzzer(program, LONGEST_KEPT_BYTES)
        .args(["-set_cover_merge=1", "-use_counters=0", "-use_cmp=0"])
        .args([&merged, &kept(target), &found])
        .run()?;
    let kept = kept(target);
    std::fs::remove_dir_all(&kept).with_context(|| format!("cannot remove {}", kept.display()))?;
    std::fs::create_dir_all(&kept).with_context(|| format!("cannot create {}", kept.display()))?;
    let files =
        std::fs::read_dir(&merged).with_context(|| format!("cannot list {}", merged.display()))?;
    for file in files {
        let file = file?;
        std::fs::copy(file.path(), kept.join(file.file_name()))
            .with_context(|| format!("cannot copy {}", file.path().display()))?;
    }
    Ok(())
}

fn kept(target: &str) -> PathBuf {
    Path::new(CORPUS).join(target)
}

fn libfuzzer(program: &Path, longest_input_bytes: u32) -> xtask::run_tool::Run {
    tool(program.display().to_string())
        .arg(format!("-max_len={longest_input_bytes}"))
        .arg(format!("-rss_limit_mb={MEMORY_MIB}"))
        .arg(format!("-malloc_limit_mb={ALLOCATION_MIB}"))
}

#[cfg(test)]
mod tests {
    use super::{CORPUS, MANIFEST, TARGETS};
    use std::collections::BTreeSet;

    #[test]
    fn the_targets_are_those_of_the_crate() {
        xtask::run_tool::enter_repository_root().expect("the repository's root");
        let manifest = std::fs::read_to_string(MANIFEST).expect("a manifest");
        let corpora = std::fs::read_dir(CORPUS).expect("a corpus");
        let corpora: BTreeSet<_> = corpora
            .map(|folder| {
                folder
                    .expect("a folder")
                    .file_name()
                    .into_string()
                    .expect("UTF-8")
            })
            .collect();
        assert_eq!(corpora, TARGETS.map(str::to_owned).into());
        for target in TARGETS {
            assert!(
                manifest.contains(&format!("name = \"{target}\"")),
                "{target}"
            );
        }
    }
}
