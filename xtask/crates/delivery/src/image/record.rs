//! `target/image.json`: the built image, passed on to later steps.

use std::path::Path;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

/// The path of the record.
pub const FILE: &str = "target/image.json";

/// The record of the last built image.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Record {
    /// `docker.io/roster/roster`.
    pub repository: String,
    /// The first of its tags.
    pub tag: String,
    /// Digest of the manifest.
    pub digest: String,
    /// `repository@digest`.
    pub reference: String,
    /// The commit it was built from.
    pub revision: String,
    /// Version of the workspace.
    pub version: String,
    /// Size of what a registry stores and a node pulls.
    pub size_bytes: u64,
    /// Whether the working tree had uncommitted changes.
    pub dirty: bool,
}

impl Record {
    /// Writes the record.
    pub fn write(&self) -> Result<()> {
        let text = serde_json::to_string_pretty(self)? + "\n";
        // Cargo's own target folder may be elsewhere.
        std::fs::create_dir_all("target").context("cannot make the folder target")?;
        std::fs::write(FILE, text).with_context(|| format!("cannot write {FILE}"))
    }

    /// Reads the record, if it exists.
    pub fn read() -> Result<Option<Self>> {
        if !Path::new(FILE).exists() {
            return Ok(None);
        }
        let text = std::fs::read_to_string(FILE).with_context(|| format!("cannot read {FILE}"))?;
        let record = serde_json::from_str(&text)
            .with_context(|| format!("{FILE} is not what `cargo xtask image build` writes"))?;
        Ok(Some(record))
    }
}
