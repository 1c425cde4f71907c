//! The text of a message: within Slack's limit however many alerts it is about, and readable for alerts that lack annotations.
//! Must not send anything.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::rule_files::FOLDER;
use xtask::failure::{Failure, Kind};
use xtask::run_tool::tool;

/// Characters of one text block that Slack accepts.
const LIMIT: usize = 3000;

/// Renders messages about many alerts, and about one that is not Roster's.
pub(super) fn check() -> Result<()> {
    let url = |path: &str| format!("https://{path}/{}", "x".repeat(180));
    let ours = json!({
        "summary": "9% of reads took over 100 ms in the last 6 hours. ".repeat(8),
        "runbook_url": url("runbooks"),
        "dashboard_url": url("dashboards"),
    });
    for status in ["firing", "resolved"] {
        let text = render(&data(status, 120, &ours))?;
        let count = text.chars().count();
        demand(count <= LIMIT, || {
            format!(
                "a message about 120 {status} alerts has {count} characters, Slack accepts {LIMIT}"
            )
        })?;
        for part in [
            "|Runbook>",
            "|Dashboard>",
            "9% of reads",
            "120 alerts in all",
        ] {
            demand(text.contains(part), || {
                format!("a message about 120 alerts lacks `{part}`:\n{text}")
            })?;
        }
    }
    let foreign = render(&data("firing", 1, &json!({"description": "of another"})))?;
    demand(
        foreign.contains("of another") && !foreign.contains('|'),
        || format!("an alert without links and summary becomes:\n{foreign}"),
    )?;
    let bare = render(&data("firing", 1, &json!({})))?;
    demand(bare.contains("SomeAlert"), || {
        format!("an alert without annotations becomes:\n{bare}")
    })
}

fn demand(holds: bool, what: impl Fn() -> String) -> Result<()> {
    if holds {
        return Ok(());
    }
    let next = "correct `roster.text` in prometheus/slack.tmpl";
    Err(Failure::new(
        Kind::Check,
        "a message to Slack is not as it must be",
        what(),
        next,
    )
    .into())
}

fn data(status: &str, count: usize, annotations: &Value) -> Value {
    let labels = json!({"alertname": "SomeAlert", "namespace": "roster", "job": "roster"});
    let alert = json!({
        "status": status, "labels": labels, "annotations": annotations,
        "startsAt": "2026-01-02T03:04:05Z", "endsAt": "2026-01-02T04:04:05Z",
    });
    json!({
        "receiver": "slack-tickets", "status": status, "alerts": vec![alert; count], "groupLabels": labels,
        "commonLabels": labels, "commonAnnotations": annotations, "externalURL": "https://alertmanager.example.com",
    })
}

fn render(data: &Value) -> Result<String> {
    let file = tempfile::NamedTempFile::new().context("cannot make a temporary file")?;
    fs::write(file.path(), data.to_string()).context("cannot write a temporary file")?;
    tool("amtool")
        .args(["template", "render", "--template.type=text"])
        .arg(format!(
            "--template.glob={}",
            Path::new(FOLDER).join("slack.tmpl").display()
        ))
        .arg(format!("--template.data={}", file.path().display()))
        .arg(r#"--template.text={{ template "roster.text" . }}"#)
        .quiet()
        .output()
}
