//! Queries git about the sources. Must not change them.

use anyhow::Result;

use crate::run_tool::tool;

/// The files that git knows, or would add, and that match a pattern (all without one), relative to the root.
pub fn files(patterns: &[&str]) -> Result<Vec<String>> {
    let listed = tool("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard"])
        .args(patterns)
        .quiet()
        .output()?;
    Ok(listed.lines().map(str::to_owned).collect())
}

/// The current commit.
pub fn head() -> Result<String> {
    rev_parse(&["HEAD"])
}

/// The same, abbreviated.
pub fn short_head() -> Result<String> {
    rev_parse(&["--short", "HEAD"])
}

fn rev_parse(args: &[&str]) -> Result<String> {
    let commit = tool("git").arg("rev-parse").args(args).quiet().output()?;
    Ok(commit.trim().to_owned())
}
