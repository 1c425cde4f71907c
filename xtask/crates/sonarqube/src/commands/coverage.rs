//! `cargo xtask coverage`: the coverage of the service's tests, in formats for people and SonarQube.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::Value;

use crate::cli::CoverageArgs;
use xtask::failure::{Failure, Kind};
use xtask::run_tool::{Run, tool};
use xtask::tools;

/// The product. `cargo xtask test` tests xtask, but its coverage is not measured.
const PACKAGES: &[&str] = &["--package", "roster", "--package", "dev-postgres"];
/// Tests are not covered code, and benchmarks run separately.
const NOT_MEASURED: &str = "(^|/)(tests|benches|bench)/";

pub(crate) fn run(args: &CoverageArgs) -> Result<()> {
    if !tools::is_installed("cargo-llvm-cov") {
        return Err(tools::missing("cargo-llvm-cov"));
    }
    let llvm = LlvmTools::find()?;
    let folder = std::path::absolute(&args.output_dir)?;
    std::fs::create_dir_all(&folder)
        .with_context(|| format!("cannot make {}", folder.display()))?;
    // The data of an earlier run must not count again.
    llvm.run("clean").arg("--workspace").run()?;
    // The integration tests find or start a PostgreSQL by themselves, as they do under `cargo test`.
    llvm.run("test")
        .args(["--no-report", "--locked", "--all-targets"])
        .args(PACKAGES)
        .run()?;
    let report = || {
        llvm.run("report")
            .args(["--ignore-filename-regex", NOT_MEASURED])
            .args(PACKAGES)
    };
    report()
        .args(["--lcov", "--output-path"])
        .arg(folder.join("lcov.info"))
        .run()?;
    report()
        .args(["--cobertura", "--output-path"])
        .arg(folder.join("cobertura.xml"))
        .run()?;
    report()
        .args(["--html", "--output-dir"])
        .arg(&folder)
        .run()?;
    report()
        .args(["--json", "--summary-only", "--output-path"])
        .arg(folder.join("summary.json"))
        .run()?;
    let summary = std::fs::read_to_string(folder.join("summary.json"))?;
    let text = summarise(&serde_json::from_str(&summary)?)?;
    std::fs::write(folder.join("summary.txt"), &text)?;
    printing::print!("{text}");
    printing::eprintln!("reports: {}", folder.display());
    Ok(())
}

/// LLVM's coverage tools.
struct LlvmTools {
    /// The variables for cargo-llvm-cov; empty if it finds rustup's tools itself.
    paths: Option<(PathBuf, PathBuf)>,
}

impl LlvmTools {
    fn find() -> Result<Self> {
        let named = |name: &str| {
            std::env::var_os(name)
                .filter(|value| !value.is_empty())
                .map(PathBuf::from)
        };
        if let (Some(cov), Some(profdata)) = (named("LLVM_COV"), named("LLVM_PROFDATA")) {
            return Ok(Self {
                paths: Some((cov, profdata)),
            });
        }
        let libraries = tool("rustc")
            .args(["--print", "target-libdir"])
            .quiet()
            .output()?;
        let of_rustup = Path::new(libraries.trim())
            .parent()
            .map(|folder| folder.join("bin/llvm-cov"));
        if of_rustup.is_some_and(|path| path.is_file()) {
            return Ok(Self { paths: None });
        }
        let version = tool("rustc")
            .args(["--version", "--verbose"])
            .quiet()
            .output()?;
        let major = llvm_major(&version).unwrap_or("unknown");
        let folder = PathBuf::from(format!("/usr/lib/llvm-{major}/bin"));
        let (cov, profdata) = (folder.join("llvm-cov"), folder.join("llvm-profdata"));
        if cov.is_file() && profdata.is_file() {
            return Ok(Self {
                paths: Some((cov, profdata)),
            });
        }
        Err(Failure::new(
            Kind::Missing,
            "LLVM's coverage tools are not installed",
            format!(
                "none of LLVM_COV and LLVM_PROFDATA, rustup's llvm-tools, and {} exists",
                folder.display()
            ),
            format!("rustup component add llvm-tools, or: apt-get install llvm-{major}"),
        )
        .into())
    }

    fn run(&self, command: &str) -> Run {
        let run = tool("cargo").args(["llvm-cov", command]);
        match &self.paths {
            Some((cov, profdata)) => run.env("LLVM_COV", cov).env("LLVM_PROFDATA", profdata),
            None => run,
        }
    }
}

/// The major version of the LLVM that the compiler was built with.
fn llvm_major(rustc_version: &str) -> Option<&str> {
    let line = rustc_version
        .lines()
        .find_map(|line| line.strip_prefix("LLVM version: "))?;
    line.split('.').next()
}

/// A table of the files, by uncovered lines, with totals.
fn summarise(export: &Value) -> Result<String> {
    let data = export
        .pointer("/data/0")
        .context("llvm-cov's summary has no data")?;
    let lines = |of: &Value| -> Option<(u64, u64)> {
        Some((
            of.pointer("/summary/lines/covered")?.as_u64()?,
            of.pointer("/summary/lines/count")?.as_u64()?,
        ))
    };
    let root = std::env::current_dir()?;
    let mut files: Vec<_> = data["files"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|file| {
            let (covered, count) = lines(file)?;
            let name = Path::new(file["filename"].as_str()?);
            Some((
                name.strip_prefix(&root)
                    .unwrap_or(name)
                    .display()
                    .to_string(),
                covered,
                count,
            ))
        })
        .collect();
    files.sort_by_key(|(_, covered, count)| std::cmp::Reverse(count - covered));
    let mut text = format!("{:>8} {:>8} {:>8}  file\n", "covered", "lines", "share");
    for (name, covered, count) in &files {
        text.push_str(&row(*covered, *count, name));
    }
    let covered = data
        .pointer("/totals/lines/covered")
        .and_then(Value::as_u64)
        .context("no totals")?;
    let count = data
        .pointer("/totals/lines/count")
        .and_then(Value::as_u64)
        .context("no totals")?;
    text.push_str(&row(covered, count, "all"));
    Ok(text)
}

#[allow(clippy::cast_precision_loss, reason = "lines of a repository are few")]
fn row(covered: u64, count: u64, name: &str) -> String {
    let share = if count == 0 {
        100.0
    } else {
        covered as f64 * 100.0 / count as f64
    };
    format!("{covered:>8} {count:>8} {share:>7.1}%  {name}\n")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{llvm_major, summarise};

    #[test]
    fn the_compiler_says_which_llvm_it_needs() {
        assert_eq!(
            llvm_major("rustc 1.95.0\nhost: x\nLLVM version: 22.1.2\n"),
            Some("22")
        );
        assert_eq!(llvm_major("rustc 1.95.0"), None);
    }

    #[test]
    fn the_file_with_the_most_uncovered_lines_stands_first_and_the_total_last() {
        let lines = |covered, count| json!({"lines": {"covered": covered, "count": count}});
        let export = json!({"data": [{
            "files": [{"filename": "a.rs", "summary": lines(9, 10)}, {"filename": "b.rs", "summary": lines(10, 30)}],
            "totals": lines(19, 40),
        }]});
        let text = summarise(&export).expect("a summary");
        let names: Vec<_> = text
            .lines()
            .skip(1)
            .filter_map(|line| line.split_whitespace().last())
            .collect();
        assert_eq!(names, ["b.rs", "a.rs", "all"]);
        assert!(
            text.lines().last().expect("a total").contains("47.5%"),
            "{text}"
        );
    }
}
