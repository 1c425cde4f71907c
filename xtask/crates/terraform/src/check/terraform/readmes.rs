//! The tables of inputs and outputs in the modules' READMEs, generated from their variables and outputs.
//!
//! Only the text between the two markers is generated. `ROSTER_WRITE_READMES=1` writes it.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context, Result};
use hcl::structure::Block;

use super::folders;
use xtask::failure::{Failure, Kind};

const BEGIN: &str = "<!-- Made by `ROSTER_WRITE_READMES=1 cargo xtask check terraform`. -->";
const END: &str = "<!-- End of what is made. -->";

pub(super) fn run() -> Result<String> {
    let write = std::env::var_os("ROSTER_WRITE_READMES").is_some();
    let mut stale = Vec::new();
    let folders = folders()?;
    for folder in &folders {
        let path = Path::new(folder).join("README.md");
        let made = section(Path::new(folder))?;
        let text = std::fs::read_to_string(&path)
            .with_context(|| format!("cannot read {}", path.display()))?;
        let wanted = replaced(&text, &made).with_context(|| {
            format!(
                "{} has no place for its tables: {BEGIN} … {END}",
                path.display()
            )
        })?;
        if text == wanted {
            continue;
        }
        if write {
            std::fs::write(&path, wanted)?;
        } else {
            stale.push(path.display().to_string());
        }
    }
    if stale.is_empty() {
        return Ok(format!(
            "tables of inputs and outputs of {} directories are up to date",
            folders.len()
        ));
    }
    let next = "ROSTER_WRITE_READMES=1 cargo xtask check terraform";
    Err(Failure::new(
        Kind::Check,
        "READMEs do not match their modules",
        stale.join("\n"),
        next,
    )
    .into())
}

fn replaced(text: &str, made: &str) -> Option<String> {
    let (before, rest) = text.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{BEGIN}\n\n{made}\n{END}{after}"))
}

fn section(folder: &Path) -> Result<String> {
    let mut text = String::from("## Inputs\n\n| name | what | default |\n| --- | --- | --- |\n");
    for block in blocks(&folder.join("variables.tf"), "variable")? {
        let (name, what) = named(&block)?;
        let default = block
            .body()
            .attributes()
            .find(|attribute| attribute.key() == "default");
        let default = default.map_or_else(
            || "required".to_owned(),
            |attribute| shown(attribute.expr()),
        );
        let _ = writeln!(text, "| `{name}` | {what} | {default} |");
    }
    text.push_str("\n## Outputs\n\n| name | what |\n| --- | --- |\n");
    for block in blocks(&folder.join("outputs.tf"), "output")? {
        let (name, what) = named(&block)?;
        let _ = writeln!(text, "| `{name}` | {what} |");
    }
    Ok(text)
}

fn blocks(file: &Path, kind: &str) -> Result<Vec<Block>> {
    let text =
        std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    let body = hcl::parse(&text).with_context(|| format!("cannot read {}", file.display()))?;
    Ok(body
        .into_blocks()
        .filter(|block| block.identifier() == kind)
        .collect())
}

fn named(block: &Block) -> Result<(String, String)> {
    let name = block
        .labels()
        .first()
        .context("a variable or output without a name")?
        .as_str()
        .to_owned();
    let description = block
        .body()
        .attributes()
        .find(|attribute| attribute.key() == "description");
    let what = match description.map(hcl::Attribute::expr) {
        Some(hcl::Expression::String(text)) if !text.is_empty() => text.replace('|', "\\|"),
        _ => anyhow::bail!("{name} has no description"),
    };
    Ok((name, what))
}

/// A default, short enough for a table.
fn shown(value: &hcl::Expression) -> String {
    let text = value
        .to_string()
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ");
    if text.len() > 40 {
        "see variables.tf".to_owned()
    } else {
        format!("`{text}`")
    }
}

#[cfg(test)]
mod tests {
    use super::{BEGIN, END, replaced, section};

    #[test]
    fn the_readmes_own_words_stay() {
        let text = format!("# A\n\nwords\n\n{BEGIN}\nold\n{END}\n\nmore\n");
        let new = replaced(&text, "new").expect("has markers");
        assert!(
            new.starts_with("# A\n\nwords") && new.ends_with("more\n"),
            "{new}"
        );
        assert!(new.contains("new") && !new.contains("old"), "{new}");
    }

    #[test]
    fn a_readme_without_markers_is_a_fault() {
        assert!(replaced("# A\n", "new").is_none());
    }

    #[test]
    fn an_input_without_a_description_is_a_fault() {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(
            folder.path().join("variables.tf"),
            "variable \"a\" {\n  type = string\n}\n",
        )
        .expect("writable");
        std::fs::write(folder.path().join("outputs.tf"), "").expect("writable");
        let error = section(folder.path()).expect_err("has no description");
        assert!(error.to_string().contains('a'), "{error}");
    }
}
