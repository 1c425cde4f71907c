//! The OpenAPI documents: the files in the repository match the code, and no client of the last release breaks.
//!
//! The documents of the last release are in `docs/openapi`. They are replaced when a version is released, never to silence
//! this check.

mod operations;
mod schemas;
#[cfg(test)]
mod tests;

use anyhow::{Context, Result};
use serde_json::Value;

use roster_dev::local_roster::service;
use xtask::failure::{Failure, Kind};
use xtask::generated::{Generated, Mode, apply};
use xtask::run_tool::tool;

/// A document that the service serves.
struct Document {
    file: &'static str,
    /// How the program prints it.
    arguments: &'static [&'static str],
    /// The document of the last release; `None` until a release has it.
    released: Option<&'static str>,
}

const DOCUMENTS: [Document; 2] = [
    Document {
        file: "service/openapi.json",
        arguments: &["openapi"],
        released: Some("docs/openapi/released.json"),
    },
    // The release that brings SCIM adds docs/openapi/released-scim.json.
    Document {
        file: "service/openapi-scim.json",
        arguments: &["openapi", "--scim"],
        released: None,
    },
];

pub(crate) fn run() -> Result<()> {
    let files = generated()?;
    apply("openapi", &files, Mode::Compare)?;
    for (document, file) in DOCUMENTS.iter().zip(&files) {
        document.compare(file.text.as_deref().unwrap_or_default())?;
    }
    Ok(())
}

impl Document {
    /// Demands that clients of the last release work with the `present` document.
    fn compare(&self, present: &str) -> Result<()> {
        let file = self.file;
        let Some(path) = self.released else {
            printing::eprintln!("{file} matches the code; no release has it yet");
            return Ok(());
        };
        let released = std::fs::read_to_string(path)
            .with_context(|| format!("cannot read {path}, the document of the last release"))?;
        let released: Value =
            serde_json::from_str(&released).with_context(|| format!("{path} is not valid JSON"))?;
        let broken = operations::breaks(&released, &serde_json::from_str(present)?);
        let version = released["info"]["version"].as_str().unwrap_or("?");
        if broken.is_empty() {
            let count = operations::count(&released);
            printing::eprintln!(
                "{file} matches the code; the {count} operations of release {version} are compatible"
            );
            return Ok(());
        }
        let next = format!(
            "keep the released form as well, or serve the change under another API version; only a release replaces {path}"
        );
        Err(Failure::new(
            Kind::Check,
            format!(
                "{} changes break clients of release {version}",
                broken.len()
            ),
            broken.join("\n"),
            next,
        )
        .into())
    }
}

/// The documents as the program prints them.
pub(crate) fn generated() -> Result<Vec<Generated>> {
    let program = service::build(false)?.display().to_string();
    DOCUMENTS
        .iter()
        .map(|document| {
            let text = tool(&program).args(document.arguments).output()?;
            Ok(Generated::new(document.file, text))
        })
        .collect()
}
