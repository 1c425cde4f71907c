//! Removes what Google keeps when an environment is destroyed and what would block the rest.
//!
//! Google keeps the peering of Cloud SQL's network for days after the last instance is deleted, and a network with a
//! peering cannot be deleted. Terraform's provider does not remove it; gcloud does.

use anyhow::Result;
use serde_json::Value;

use crate::infra::root::Root;
use xtask::run_tool::tool;
use xtask::tools;

/// The name of Google's service peering.
const PEERING: &str = "servicenetworking-googleapis-com";

/// The network that a plan destroys.
pub(super) fn network(plan_json: &str) -> Result<Option<String>> {
    let plan: Value = serde_json::from_str(plan_json)?;
    Ok(plan["resource_changes"]
        .as_array()
        .into_iter()
        .flatten()
        .find(|change| change["type"] == "google_compute_network")
        .and_then(|change| change["change"]["before"]["name"].as_str())
        .map(str::to_owned))
}

/// Removes the peering, if there is one; returns whether it did.
pub(super) fn remove_peering(root: &Root, network: Option<&str>) -> Result<bool> {
    let Some(network) = network else {
        return Ok(false);
    };
    if !tools::is_installed("gcloud") {
        printing::eprintln!(
            "gcloud is not installed: if Google keeps a peering of {network}, remove it by hand"
        );
        return Ok(false);
    }
    let project = format!("--project={}", root.settings()?.project_id);
    let listed = tool("gcloud")
        .args(["compute", "networks", "peerings", "list", &project])
        .arg(format!("--network={network}"))
        .arg("--format=value(peerings.name)")
        .quiet()
        .output()?;
    if !listed.contains(PEERING) {
        return Ok(false);
    }
    tool("gcloud")
        .args([
            "compute", "networks", "peerings", "delete", PEERING, &project,
        ])
        .arg(format!("--network={network}"))
        .arg("--quiet")
        .run()?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::network;

    #[test]
    fn the_network_that_goes_is_found_in_the_plan() {
        let plan = r#"{"resource_changes": [
            {"type": "google_compute_subnetwork", "change": {"before": {"name": "roster-nodes"}}},
            {"type": "google_compute_network", "change": {"before": {"name": "roster"}}}]}"#;
        assert_eq!(network(plan).expect("is JSON").as_deref(), Some("roster"));
        assert_eq!(network("{}").expect("is JSON"), None);
    }
}
