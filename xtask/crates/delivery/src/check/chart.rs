//! The chart: lint, unit tests, the effect of every value, names of releases, both majors of helm, Kubernetes' schemas, and the
//! table of values in its README.
//!
//! Nothing here needs a cluster; what only a cluster can show is in `cargo xtask e2e`.

mod effects;
mod long_poll;
mod releases;
mod schemas;
mod settings;
mod values_table;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::cluster::CHART;
use crate::cluster::changes;
use xtask::failure::{Failure, Kind};
use xtask::generated::{Generated, Mode, apply};
use xtask::run_tool::tool;
use xtask::tools;

/// A placeholder image for rendering: an environment that rejects tags needs a digest.
const DIGEST: &str =
    "image.digest=sha256:0000000000000000000000000000000000000000000000000000000000000000";
const HOSTNAME: &str = "hostname=service.example.com";

/// The files that `cargo xtask generate values` writes.
pub(crate) fn generated() -> Result<Vec<Generated>> {
    Ok(vec![values_table::generated()?])
}

pub(crate) fn run() -> Result<()> {
    for name in [
        "helm",
        "helm3",
        "helm-unittest",
        "kubeconform",
        "promtool",
        "go",
    ] {
        if !tools::is_installed(name) {
            return Err(tools::missing(name));
        }
    }
    version()?;
    settings::check()?;
    apply("values", &generated()?, Mode::Compare)?;
    let mut manifests = Vec::new();
    for values in value_files()? {
        tool("helm")
            .args(["lint", "--strict", "--quiet", CHART])
            .arg("--values")
            .arg(&values)
            .args(["--set-string", DIGEST, "--set-string", HOSTNAME])
            .run()?;
        let (new, old) = (render("helm", &values)?, render("helm3", &values)?);
        let difference = changes::between(&changes::parse(&old)?, &changes::parse(&new)?)?;
        if !difference.is_empty() {
            return Err(Failure::new(
                Kind::Check,
                format!(
                    "Helm 3 and 4 render different objects from {}",
                    values.display()
                ),
                difference,
                "change the template so that both render the same",
            )
            .into());
        }
        manifests.push(new);
    }
    tool("helm-unittest")
        .args(["--strict", "--file", "unittests/*_test.yaml", CHART])
        .run()?;
    long_poll::check()?;
    effects::check()?;
    releases::check()?;
    schemas::check(&manifests)
}

/// The chart is released with the service and has its version.
fn version() -> Result<()> {
    let path = Path::new(CHART).join("Chart.yaml");
    let text = std::fs::read_to_string(&path)?;
    let chart: serde_json::Value = serde_saphyr::from_str(&text)?;
    let wanted = env!("CARGO_PKG_VERSION");
    if chart["version"] == wanted && chart["appVersion"] == wanted {
        return Ok(());
    }
    Err(Failure::new(
        Kind::Check,
        "the chart's version differs from the workspace's",
        format!(
            "{} says {} and {}, Cargo.toml {wanted}",
            path.display(),
            chart["version"],
            chart["appVersion"]
        ),
        "write the workspace's version into both",
    )
    .into())
}

/// The environments' values, and those that exercise every part.
fn value_files() -> Result<Vec<PathBuf>> {
    let mut files = vec![
        PathBuf::from(CHART).join("environments/dev.yaml"),
        PathBuf::from(CHART).join("environments/production.yaml"),
    ];
    let folder = Path::new(CHART).join("ci");
    for entry in
        std::fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))?
    {
        files.push(entry?.path());
    }
    files.sort();
    Ok(files)
}

fn render(helm: &str, values: &Path) -> Result<String> {
    tool(helm)
        .args([
            "template",
            "roster",
            CHART,
            "--namespace=roster",
            "--kube-version=1.36.0",
        ])
        .args(["--api-versions=custom.metrics.k8s.io/v1beta1"])
        .arg("--values")
        .arg(values)
        .args(["--set-string", DIGEST, "--set-string", HOSTNAME])
        .quiet()
        .output()
}
