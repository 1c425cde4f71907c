//! The cloud, by Terraform: roots and their settings, plans, their summaries and prices.
//!
//! What `cargo xtask infra` and `cargo xtask check terraform` share. It knows Terraform's files and answers, and
//! nothing of clusters or charts: a deployment asks [`outputs`].

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

/// The outputs of an applied environment, by name: what a deployment needs to know of the cloud.
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
