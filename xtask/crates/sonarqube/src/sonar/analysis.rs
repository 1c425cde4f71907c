//! One analysis: the scanner's task on the server, and waiting for its completion.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use super::client::Client;
use xtask::failure::{Failure, Kind};

const FILE: &str = "analysis.json";
const PAUSE: Duration = Duration::from_secs(2);

#[allow(
    clippy::struct_field_names,
    reason = "the server has task ids and analysis ids"
)]
/// An analysis that the server has finished.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Analysis {
    pub(crate) project_key: String,
    pub(crate) branch: String,
    pub(crate) task_id: String,
    pub(crate) analysis_id: String,
    pub(crate) dashboard_url: String,
    pub(crate) revision: String,
}

impl Analysis {
    /// The server's public URL; a pipeline may use an internal one.
    pub(crate) fn public_address(&self) -> &str {
        let url = &self.dashboard_url;
        url.split_once("/dashboard").map_or(url, |(base, _)| base)
    }

    pub(crate) fn write(&self, folder: &Path) -> Result<()> {
        std::fs::create_dir_all(folder)?;
        std::fs::write(folder.join(FILE), serde_json::to_vec_pretty(self)?)?;
        Ok(())
    }

    pub(crate) fn read(folder: &Path) -> Result<Self> {
        let path = folder.join(FILE);
        let bytes = std::fs::read(&path).map_err(|error| {
            let what = format!("there is no analysis in {}", folder.display());
            Failure::new(
                Kind::Usage,
                what,
                error.to_string(),
                "run `cargo xtask sonar scan` first",
            )
        })?;
        serde_json::from_slice(&bytes).with_context(|| format!("{} cannot be read", path.display()))
    }
}

/// The contents of the scanner's report-task.txt.
pub(crate) struct Sent {
    /// The id of the server's analysis task.
    pub(crate) task_id: String,
    /// The project's page at the server's public URL.
    pub(crate) dashboard_url: String,
}

impl Sent {
    /// Parses the file's text.
    pub(crate) fn read(report_task: &str) -> Result<Self> {
        let pairs: BTreeMap<_, _> = report_task
            .lines()
            .filter_map(|line| line.split_once('='))
            .collect();
        let find = |name: &str| {
            pairs
                .get(name)
                .map(|value| (*value).to_owned())
                .with_context(|| format!("the scanner's report-task.txt has no {name}"))
        };
        Ok(Self {
            task_id: find("ceTaskId")?,
            dashboard_url: find("dashboardUrl")?,
        })
    }
}

/// Waits until the server has finished the task; returns the analysis id.
pub(crate) fn wait(client: &Client, task_id: &str) -> Result<String> {
    let begun = Instant::now();
    loop {
        let answer = client.get("api/ce/task", &[("id", task_id)])?;
        let task = &answer["task"];
        match task["status"].as_str().unwrap_or_default() {
            "SUCCESS" => {
                let id = task["analysisId"]
                    .as_str()
                    .context("a finished task without an analysis")?;
                printing::eprintln!("analysed after {} s", begun.elapsed().as_secs());
                return Ok(id.to_owned());
            }
            status @ ("FAILED" | "CANCELED") => {
                let why = task["errorMessage"]
                    .as_str()
                    .unwrap_or("the server reports no reason")
                    .to_owned();
                let next = format!("look at {}/project/background_tasks", client.base());
                return Err(Failure::new(
                    Kind::Check,
                    format!("the analysis ended as {status}"),
                    why,
                    next,
                )
                .into());
            }
            status if begun.elapsed() > client.wait_limit() => {
                let what = format!(
                    "the analysis is still {status} after {} s",
                    client.wait_limit().as_secs()
                );
                let next = format!(
                    "look at {}/project/background_tasks; --wait-limit-s waits longer",
                    client.base()
                );
                return Err(
                    Failure::new(Kind::Unreachable, what, "the server is slow", next).into(),
                );
            }
            _ => std::thread::sleep(PAUSE),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Analysis, Sent};

    #[test]
    fn the_scanner_names_its_task_and_the_page_that_people_open() {
        let text = "projectKey=roster-develop\nceTaskId=abc-1\n\
            dashboardUrl=https://sonarqube.test/dashboard?id=roster-develop\n\
            ceTaskUrl=http://s/api/ce/task?id=abc-1\n";
        let sent = Sent::read(text).expect("is complete");
        assert_eq!(sent.task_id, "abc-1");
        assert_eq!(
            sent.dashboard_url,
            "https://sonarqube.test/dashboard?id=roster-develop"
        );
        assert!(Sent::read("projectKey=x").is_err());
    }

    #[test]
    fn links_begin_with_the_servers_public_address() {
        let analysis = |dashboard_url: &str| Analysis {
            task_id: "t".into(),
            analysis_id: "a".into(),
            project_key: "roster-develop".into(),
            branch: "develop".into(),
            revision: "r".into(),
            dashboard_url: dashboard_url.into(),
        };
        let url = "https://sonarqube.test/under/dashboard?id=roster-develop";
        assert_eq!(
            analysis(url).public_address(),
            "https://sonarqube.test/under"
        );
    }
}
