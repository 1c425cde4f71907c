//! The history of jobs on a machine without Concourse: one JSON file.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result};

use super::state::Memory;

/// The history of one job; empty if the file is absent or unreadable.
pub(crate) fn read(path: &Path, flow: &str, job: &str) -> Memory {
    read_all(path).remove(&key(flow, job)).unwrap_or_default()
}

/// Stores the history of one job.
pub(crate) fn write(path: &Path, flow: &str, job: &str, memory: Memory) -> Result<()> {
    let mut all = read_all(path);
    all.insert(key(flow, job), memory);
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    // Renamed into place: an interruption leaves the old file, not a partial one.
    let new = path.with_extension("new");
    std::fs::write(&new, serde_json::to_vec_pretty(&all)?)
        .and_then(|()| std::fs::rename(&new, path))
        .with_context(|| format!("cannot write {}", path.display()))
}

fn key(flow: &str, job: &str) -> String {
    format!("{flow}/{job}")
}

fn read_all(path: &Path) -> BTreeMap<String, Memory> {
    std::fs::read(path)
        .ok()
        .and_then(|bytes| serde_json::from_slice(&bytes).ok())
        .unwrap_or_default()
}
