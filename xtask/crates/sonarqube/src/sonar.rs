//! SonarQube: its Web API (`client.rs`), its settings as code (`quality_gate.rs`, `apply.rs`), an analysis
//! (`analysis.rs`) and its report (`report.rs`, `markdown.rs`).
//!
//! The Community Build does not analyse branches: each long-lived branch has its own project.

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
