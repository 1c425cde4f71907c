//! The result of an analysis as data: gate status, measures, worst files, new issues.

use std::path::Path;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::analysis::Analysis;
use super::client::Client;
use xtask::failure::{Failure, Kind};

pub(crate) const JSON_FILE: &str = "report.json";
const METRICS: &str = "ncloc,coverage,line_coverage,branch_coverage,lines_to_cover,uncovered_lines,new_coverage,violations,\
new_violations,duplicated_lines_density,security_hotspots,software_quality_reliability_issues,\
software_quality_security_issues,software_quality_maintainability_issues,software_quality_reliability_rating,\
software_quality_security_rating,software_quality_maintainability_rating";
const WORST_FILES: &str = "10";
const ISSUES: &str = "50";

/// The whole report.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Report {
    pub(crate) analysis: Analysis,
    /// `OK`, `ERROR`, or `NONE` if no gate was evaluated.
    pub(crate) gate: String,
    pub(crate) conditions: Vec<Condition>,
    /// Metrics by name; those without a value are absent.
    pub(crate) measures: Vec<(String, String)>,
    pub(crate) worst_files: Vec<WorstFile>,
    pub(crate) new_issues: Issues,
    pub(crate) all_issues: Issues,
}

/// A condition of the gate and its result.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Condition {
    pub(crate) metric: String,
    pub(crate) status: String,
    pub(crate) comparator: String,
    pub(crate) threshold: String,
    pub(crate) actual: Option<String>,
}

/// A file with many uncovered lines.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct WorstFile {
    pub(crate) path: String,
    pub(crate) uncovered_lines: u64,
    pub(crate) coverage: Option<String>,
    pub(crate) url: String,
}

/// Some issues, and the total number.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Issues {
    pub(crate) total: u64,
    pub(crate) first: Vec<Issue>,
}

/// One issue.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Issue {
    pub(crate) rule: String,
    pub(crate) severity: String,
    pub(crate) message: String,
    pub(crate) path: String,
    pub(crate) line: Option<u64>,
    pub(crate) url: String,
}

impl Report {
    /// Fetches the report from the server.
    pub(crate) fn fetch(client: &Client, analysis: Analysis) -> Result<Self> {
        let key = analysis.project_key.clone();
        let judged = client.get(
            "api/qualitygates/project_status",
            &[("analysisId", &analysis.analysis_id)],
        )?;
        let measured = client.get(
            "api/measures/component",
            &[("component", &key), ("metricKeys", METRICS)],
        )?;
        let tree = client.get(
            "api/measures/component_tree",
            &[
                ("component", &key),
                ("metricKeys", "uncovered_lines,coverage"),
                ("qualifiers", "FIL"),
                ("s", "metric"),
                ("metricSort", "uncovered_lines"),
                ("metricSortFilter", "withMeasuresOnly"),
                ("asc", "false"),
                ("ps", WORST_FILES),
            ],
        )?;
        let issues = |new: &str| {
            let query = [
                ("components", key.as_str()),
                ("resolved", "false"),
                ("ps", ISSUES),
                ("inNewCodePeriod", new),
            ];
            client.get("api/issues/search", &query)
        };
        let base = analysis.public_address().to_owned();
        let page = |path: &str, line: Option<u64>| code_page(&base, &key, path, line);
        Ok(Self {
            gate: judged
                .pointer("/projectStatus/status")
                .and_then(Value::as_str)
                .unwrap_or("NONE")
                .to_owned(),
            conditions: conditions(&judged),
            measures: measures(&measured),
            worst_files: worst_files(&tree, |path| page(path, None)),
            new_issues: read_issues(&issues("true")?, &base, &key),
            all_issues: read_issues(&issues("false")?, &base, &key),
            analysis,
        })
    }

    /// Writes it as JSON, for [`Report::read`].
    pub(crate) fn write(&self, folder: &Path) -> Result<()> {
        std::fs::create_dir_all(folder)?;
        std::fs::write(folder.join(JSON_FILE), serde_json::to_vec_pretty(self)?)?;
        Ok(())
    }

    pub(crate) fn read(folder: &Path) -> Result<Self> {
        let path = folder.join(JSON_FILE);
        let bytes = std::fs::read(&path).map_err(|error| {
            let what = format!("there is no report in {}", folder.display());
            Failure::new(
                Kind::Usage,
                what,
                error.to_string(),
                "run `cargo xtask sonar report` first",
            )
        })?;
        serde_json::from_slice(&bytes).with_context(|| format!("{} cannot be read", path.display()))
    }

    /// Fails with the failed conditions if the gate did not pass.
    pub(crate) fn judge(&self) -> Result<()> {
        let url = &self.analysis.dashboard_url;
        let failed: Vec<_> = self
            .conditions
            .iter()
            .filter(|it| it.status != "OK")
            .map(Condition::sentence)
            .collect();
        match self.gate.as_str() {
            "OK" => Ok(()),
            "NONE" => Err(Failure::new(
                Kind::Check,
                "no quality gate was evaluated",
                format!("no gate is set for {}", self.analysis.project_key),
                "run `cargo xtask sonar apply`, then scan again",
            )
            .into()),
            _ => {
                let next = format!("see {url}; sonarqube/README.md explains the conditions");
                Err(Failure::new(
                    Kind::Check,
                    "the quality gate did not pass",
                    failed.join("\n"),
                    next,
                )
                .into())
            }
        }
    }
}

impl Condition {
    /// `new_coverage is 61.2, which is less than 80`.
    fn sentence(&self) -> String {
        let beyond = if self.comparator == "LT" {
            "less than"
        } else {
            "more than"
        };
        format!(
            "{} is {}, which is {beyond} {}",
            self.metric,
            self.actual.as_deref().unwrap_or("not known"),
            self.threshold
        )
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn conditions(judged: &Value) -> Vec<Condition> {
    let list = judged
        .pointer("/projectStatus/conditions")
        .and_then(Value::as_array);
    list.into_iter()
        .flatten()
        .map(|it| Condition {
            metric: text(&it["metricKey"]),
            status: text(&it["status"]),
            comparator: text(&it["comparator"]),
            threshold: text(&it["errorThreshold"]),
            actual: it["actualValue"].as_str().map(str::to_owned),
        })
        .collect()
}

/// A measure of new code has its value in `period`.
fn value_of(measure: &Value) -> Option<String> {
    measure["value"]
        .as_str()
        .or_else(|| measure.pointer("/period/value")?.as_str())
        .map(str::to_owned)
}

fn measures(measured: &Value) -> Vec<(String, String)> {
    let known = measured
        .pointer("/component/measures")
        .and_then(Value::as_array);
    let known: Vec<_> = known
        .into_iter()
        .flatten()
        .filter_map(|it| Some((text(&it["metric"]), value_of(it)?)))
        .collect();
    METRICS
        .split(',')
        .filter_map(|metric| known.iter().find(|(name, _)| name == metric).cloned())
        .collect()
}

fn worst_files(tree: &Value, page: impl Fn(&str) -> String) -> Vec<WorstFile> {
    let files = tree["components"].as_array();
    let measure = |file: &Value, name: &str| {
        file["measures"]
            .as_array()?
            .iter()
            .find(|it| it["metric"] == name)
            .and_then(value_of)
    };
    files
        .into_iter()
        .flatten()
        .filter_map(|file| {
            let path = text(&file["path"]);
            let uncovered_lines = measure(file, "uncovered_lines")?
                .parse()
                .ok()
                .filter(|lines| *lines > 0)?;
            Some(WorstFile {
                uncovered_lines,
                coverage: measure(file, "coverage"),
                url: page(&path),
                path,
            })
        })
        .collect()
}

fn read_issues(answer: &Value, base: &str, key: &str) -> Issues {
    let list = answer["issues"].as_array();
    let first = list.into_iter().flatten().map(|it| Issue {
        rule: text(&it["rule"]),
        severity: it
            .pointer("/impacts/0/severity")
            .map_or_else(|| text(&it["severity"]), text),
        message: text(&it["message"]),
        path: text(&it["component"])
            .split_once(':')
            .map(|(_, path)| path.to_owned())
            .unwrap_or_default(),
        line: it["line"].as_u64(),
        url: format!("{base}/project/issues?id={key}&open={}", text(&it["key"])),
    });
    Issues {
        total: answer
            .pointer("/paging/total")
            .and_then(Value::as_u64)
            .unwrap_or_default(),
        first: first.collect(),
    }
}

fn code_page(base: &str, key: &str, path: &str, line: Option<u64>) -> String {
    let line = line.map(|line| format!("&line={line}")).unwrap_or_default();
    format!(
        "{base}/code?id={key}&selected={key}%3A{}{line}",
        path.replace('/', "%2F")
    )
}

#[cfg(test)]
pub(crate) mod tests;
