//! The chart from a registry: pushed once, then installed by Helm 4, by Helm 3, and as part of another chart.

use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result};
use serde_json::json;

use super::clone::{CONTEXT, Clone};
use super::walk::{Way, leave};
use crate::cli::FirstDayArgs;
use crate::cluster::kubectl::Cluster;
use crate::e2e::database::OutsideDatabase;
use crate::e2e::namespace;
use crate::image::reference::Repository;
use xtask::run_tool::{Run, tool};

/// Who installs the chart, and how.
const INSTALLERS: [(&str, bool); 3] = [("helm", false), ("helm3", false), ("helm", true)];

/// The chart in a registry.
struct Published<'a> {
    cluster: &'a Cluster,
    /// `oci://registry/…/charts`.
    folder: String,
    version: String,
    /// A registry on this machine has no certificate.
    is_plain: bool,
}

/// Pushes it, and installs it by each of them.
pub(super) fn each(clone: &Clone, cluster: &Cluster, args: &FirstDayArgs) -> Result<Vec<String>> {
    clone.forget()?;
    let pushed = clone.run(&["chart", "push"])?;
    pushed.succeeded()?;
    let again = clone.run(&["chart", "push"])?;
    again.succeeded()?;
    let reference = |said: &str| {
        said.lines()
            .find(|line| line.contains("@sha256:"))
            .map(str::to_owned)
    };
    anyhow::ensure!(
        reference(&pushed.said) == reference(&again.said),
        "the same commit gave two charts: {} and {}",
        pushed.said,
        again.said
    );
    let version = pushed.said.split("--version ").nth(1);
    let version = version.and_then(|rest| rest.split_whitespace().next());
    let folder = args
        .repository
        .rsplit_once('/')
        .map_or("", |(folder, _)| folder);
    let registry = Repository::parse(&args.repository)?.registry;
    let published = Published {
        cluster,
        folder: format!("oci://{folder}/charts"),
        version: version
            .context("chart push did not print a version")?
            .to_owned(),
        is_plain: registry.starts_with("127.0.0.1") || registry.starts_with("localhost"),
    };
    let mut lines = vec![format!(
        "the chart {}/roster {}:",
        published.folder, published.version
    )];
    for (helm, umbrella) in INSTALLERS {
        lines.push(published.install(clone, args, helm, umbrella)?);
    }
    Ok(lines)
}

impl Published<'_> {
    fn install(
        &self,
        clone: &Clone,
        args: &FirstDayArgs,
        helm: &str,
        umbrella: bool,
    ) -> Result<String> {
        let address = namespace::node_address(self.cluster)?;
        let database = OutsideDatabase::start(address)?;
        let url = clone
            .write("database-url", &database.url)?
            .display()
            .to_string();
        let plain = clone.write(
            "plain.yaml",
            &Way::Neither.values(args, &address.to_string()),
        )?;
        let plain = plain.display().to_string();
        // The Secrets; a person without a clone makes them as the chart's README says.
        let setup = ["setup", "--env", "dev", "--context", CONTEXT, "--yes"];
        let setup = [
            &setup[..],
            &["--database-url-file", &url, "--values", &plain],
        ]
        .concat();
        clone.run(&setup)?.succeeded()?;
        let values = json!({
            "tokens": {"secretName": "roster-token-keys"},
            "networkPolicy": {"databaseCidrs": [format!("{address}/32")]},
        });
        let begun = Instant::now();
        let install = if umbrella {
            let chart = self.umbrella(clone, helm)?;
            let values = json!({"roster": values}).to_string();
            let file = clone.write("umbrella-values.yaml", &values)?;
            self.helm(helm, &["upgrade", "--install", "roster"])
                .arg(chart)
                .arg("--values")
                .arg(file)
        } else {
            let file = clone.write("chart-values.yaml", &values.to_string())?;
            let run = self.helm(helm, &["upgrade", "--install", "roster"]);
            self.plain(run.arg(format!("{}/roster", self.folder)))
                .args(["--version", &self.version, "--values"])
                .arg(file)
        };
        install.args(["--wait", "--timeout=180s"]).run()?;
        self.helm(helm, &["test", "roster", "--timeout=120s"])
            .run()?;
        let seconds = begun.elapsed().as_secs_f64();
        self.helm(helm, &["uninstall", "roster", "--wait"]).run()?;
        leave(clone, self.cluster)?;
        let how = if umbrella {
            "an umbrella chart"
        } else {
            "the chart"
        };
        Ok(format!(
            "  {seconds:>6.1} s  {helm} installs {how}, and its test passes"
        ))
    }

    /// A chart of somebody else's with ours as its dependency.
    fn umbrella(&self, clone: &Clone, helm: &str) -> Result<std::path::PathBuf> {
        let manifest = json!({
            "apiVersion": "v2", "name": "platform", "version": "1.0.0",
            "dependencies": [{"name": "roster", "version": self.version, "repository": self.folder}],
        });
        let file = clone.write_below("umbrella", "Chart.yaml", &manifest.to_string())?;
        let chart = file.parent().unwrap_or(Path::new(".")).to_owned();
        let update = tool(helm).args(["dependency", "update"]).arg(&chart);
        self.plain(update).run()?;
        Ok(chart)
    }

    fn plain(&self, run: Run) -> Run {
        if self.is_plain {
            run.arg("--plain-http")
        } else {
            run
        }
    }

    fn helm(&self, helm: &str, command: &[&str]) -> Run {
        tool(helm)
            .args(command)
            .arg(format!("--kube-context={}", self.cluster.context))
            .arg(format!("--namespace={}", self.cluster.namespace))
    }
}
