//! The cloud infrastructure with Terraform: roots and their settings, plans, summaries and prices.
//!
//! Shared by `cargo xtask infra` and `cargo xtask check terraform`. It knows Terraform's files and output, and nothing
//! about clusters or charts: a deployment calls [`outputs`].

pub(crate) mod copy;
pub(crate) mod guard;
pub(crate) mod hosts;
pub(crate) mod plan;
pub mod price;
pub mod root;
pub(crate) mod settings;
pub(crate) mod spelling;
pub(crate) mod summary;
pub(crate) mod terraform;

use anyhow::Result;
use serde_json::{Map, Value};

/// The outputs of an applied environment, by name.
pub fn outputs(environment: &str) -> Result<Map<String, Value>> {
    let root = root::Root::find(environment)?;
    let terraform = terraform::Terraform::initialised(&root)?;
    let text = terraform.command("output").arg("-json").output()?;
    let wrapped: Map<String, Value> = serde_json::from_str(&text)?;
    Ok(wrapped
        .into_iter()
        .map(|(name, output)| (name, output.get("value").cloned().unwrap_or_default()))
        .collect())
}
