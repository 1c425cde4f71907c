//! The tables of inputs and outputs in the modules' READMEs, generated from their variables and outputs.
//!
//! Only the text between the two markers is generated.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context, Result};
use hcl::structure::Block;

use super::folders;
use xtask::generated::{Generated, Mode, apply, between};

const BEGIN: &str = "<!-- Made by `cargo xtask generate modules`. -->";
const END: &str = "<!-- End of what is made. -->";

/// Compares the READMEs with their modules.
pub(super) fn run() -> Result<String> {
    let files = generated()?;
    apply("modules", &files, Mode::Compare)?;
    Ok(format!(
        "tables of inputs and outputs of {} directories are up to date",
        files.len()
    ))
}

/// The README of every module and environment, with its tables.
pub(super) fn generated() -> Result<Vec<Generated>> {
    folders()?.iter().map(|folder| readme(folder)).collect()
}

fn readme(folder: &str) -> Result<Generated> {
    let path = Path::new(folder).join("README.md");
    let text = std::fs::read_to_string(&path)
        .with_context(|| format!("cannot read {}", path.display()))?;
    let made = format!("\n\n{}\n", section(Path::new(folder))?);
    let wanted = between(&text, BEGIN, END, &made).with_context(|| {
        format!(
            "{} has no place for its tables: {BEGIN} … {END}",
            path.display()
        )
    })?;
    Ok(Generated::new(path, wanted))
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
    use super::section;

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
