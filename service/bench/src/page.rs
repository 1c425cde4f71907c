//! The page with the results: replaces the text between a benchmark's marks.

use std::path::Path;

use anyhow::{Context, Result};
use xtask::generated;

const PAGE: &str = "docs/performance.md";
/// The directory of the page's charts and JSON results.
pub(super) const PICTURES: &str = "docs/performance";

/// Replaces the output of an earlier `bench <name> --write`.
pub(super) fn replace(name: &str, text: &str) -> Result<()> {
    replace_in(Path::new(PAGE), name, text)
}

/// The same on another page.
pub(super) fn replace_in(path: &Path, name: &str, text: &str) -> Result<()> {
    let shown = path.display();
    let page = std::fs::read_to_string(path).with_context(|| format!("cannot read {shown}"))?;
    let replaced = between(&page, name, text)
        .with_context(|| format!("{shown} lacks the marks of `bench {name}`"))?;
    std::fs::write(path, replaced)?;
    printing::eprintln!("written: {shown}");
    Ok(())
}

fn between(page: &str, name: &str, text: &str) -> Option<String> {
    let begin = format!("<!-- begin: cargo xtask bench {name} --write -->\n");
    let end = format!("<!-- end: bench {name} -->");
    generated::between(page, &begin, &end, &format!("\n{}\n\n", text.trim()))
}

#[cfg(test)]
mod tests {
    use super::between;

    #[test]
    fn only_what_stands_between_the_marks_is_replaced() {
        let page = |text| {
            format!(
                "before\n<!-- begin: cargo xtask bench api --write -->\n{text}<!-- end: bench api -->\nafter\n"
            )
        };
        assert_eq!(
            between(&page("old\n"), "api", "new\n"),
            Some(page("\nnew\n\n"))
        );
        assert_eq!(between(&page("old\n"), "list", "new\n"), None);
    }
}
