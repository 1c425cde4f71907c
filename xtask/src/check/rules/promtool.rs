//! promtool's own checks: syntax of rules and scrape configuration, and the rules' tests.
//! Must not know what the rules mean.

use anyhow::Result;

use crate::failure::{Failure, Kind};
use crate::rule_files::YamlFile;
use crate::run_tool::tool;

/// Syntax of every rule file and of the scrape configuration.
pub(crate) fn check(rules: &[YamlFile]) -> Result<()> {
    tool("promtool")
        .args(["check", "rules"])
        .args(rules.iter().map(|file| &file.path))
        .output()?;
    tool("promtool")
        .args([
            "check",
            "config",
            "--syntax-only",
            "prometheus/scrape/prometheus.yaml",
        ])
        .output()
        .map_err(|error| without_kubernetes(&error).unwrap_or(error))?;
    Ok(())
}

/// Debian's promtool is built without service discovery; what it cannot read is not wrong.
fn without_kubernetes(error: &anyhow::Error) -> Option<anyhow::Error> {
    let failure = error.downcast_ref::<Failure>()?;
    failure
        .why
        .contains("kubernetes_sd_configs not found")
        .then(|| {
            Failure::new(
                Kind::Missing,
                "this promtool does not know kubernetes_sd_configs",
                "it was built without the discovery of pods, which the scrape configuration uses",
                "install ours, which comes first: cargo xtask tools install promtool",
            )
            .into()
        })
}

/// Every test file.
pub(crate) fn test(tests: &[YamlFile]) -> Result<()> {
    tool("promtool")
        .args(["test", "rules"])
        .args(tests.iter().map(|file| &file.path))
        .output()?;
    Ok(())
}
