//! SonarQube: its Web API (`client.rs`), its settings as code (`quality_gate.rs`, `apply.rs`), one analysis (`analysis.rs`)
//! and what the server made of it (`report.rs`, `markdown.rs`).
//!
//! The Community Build analyses no branches: each long-lived branch is a project of its own.

pub(crate) mod analysis;
pub(crate) mod apply;
pub(crate) mod client;
pub(crate) mod markdown;
pub(crate) mod quality_gate;
pub(crate) mod report;

/// The key of the project of a long-lived branch.
pub fn project_key(branch: &str) -> String {
    format!("roster-{branch}")
}
