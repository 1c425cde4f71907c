//! Documentation: rustdoc builds without a warning, and every relative link in a Markdown file resolves.
//!
//! Links to other hosts are not followed: a check must give the same result without a network.

use std::path::Path;

use anyhow::{Context, Result};

use xtask::failure::{Failure, Kind};
use xtask::git;
use xtask::run_tool::tool;

pub(crate) fn run() -> Result<()> {
    check_links()?;
    super::words::run()?;
    tool("cargo")
        .env("RUSTDOCFLAGS", "--deny warnings")
        .args([
            "doc",
            "--workspace",
            "--no-deps",
            "--document-private-items",
            "--locked",
        ])
        .run()
}

fn check_links() -> Result<()> {
    let mut broken = Vec::new();
    let mut files = git::files(&["*.md"])?;
    files.retain(|file| Path::new(file).is_file());
    for file in &files {
        let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {file}"))?;
        let folder = Path::new(file).parent().unwrap_or(Path::new(""));
        for (line, target) in relative_links(&text) {
            let path = target.split('#').next().unwrap_or_default();
            if !path.is_empty() && !folder.join(path).exists() {
                broken.push(format!("{file}:{line}: {target}"));
            }
        }
    }
    if broken.is_empty() {
        printing::eprintln!(
            "{} Markdown files read, every relative link resolves",
            files.len()
        );
        return Ok(());
    }
    let what = format!("{} broken links", broken.len());
    Err(Failure::new(
        Kind::Check,
        what,
        broken.join("\n"),
        "correct the link, or add its target",
    )
    .into())
}

/// The targets of `[text](target)` outside of code, with their lines, excluding other hosts.
fn relative_links(text: &str) -> Vec<(usize, String)> {
    let mut links = Vec::new();
    let mut in_fence = false;
    for (index, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            in_fence = !in_fence;
        }
        if in_fence {
            continue;
        }
        // Every second piece between backticks is code.
        let prose: String = line.split('`').step_by(2).collect::<Vec<_>>().join("`");
        for piece in prose.split("](").skip(1) {
            let target = piece.split([')', ' ']).next().unwrap_or_default();
            if !target.contains("://") && !target.starts_with("mailto:") && !target.starts_with('/')
            {
                links.push((index + 1, target.to_owned()));
            }
        }
    }
    links
}

#[cfg(test)]
mod tests {
    use super::relative_links;

    #[test]
    fn relative_links_are_found_with_their_lines() {
        let text = "See [one](docs/one.md#part) and [two](../two.md \"title\").\n\n[three](x)";
        let expected = [
            (1, "docs/one.md#part".into()),
            (1, "../two.md".into()),
            (3, "x".into()),
        ];
        assert_eq!(relative_links(text), expected);
    }

    #[test]
    fn code_and_other_hosts_are_left_alone() {
        let text = "[a](https://example.com) `[b](c)`\n```\n[d](e)\n```\n";
        assert!(relative_links(text).is_empty());
    }
}
