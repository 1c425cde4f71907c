//! Alertmanager's configuration: its routes by amtool, its inhibition and its templates by a real Alertmanager.
//! Must not send anything anywhere: the webhook of the running one leads to a closed port.

mod expected;

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::prometheus_servers::Server;
use crate::rule_files::FOLDER;
use expected::{ABSENT, GROUPS, INHIBITIONS, Labels, ROUTES};
use xtask::failure::{Failure, Kind};
use xtask::run_tool::tool;

/// Checks syntax, routes, inhibition and templates.
pub(crate) fn check() -> Result<()> {
    let path = Path::new(FOLDER).join("alertmanager.yaml");
    let file = format!("--config.file={}", path.display());
    tool("amtool").args(["check-config"]).arg(&path).output()?;
    for (receiver, labels) in ROUTES {
        tool("amtool")
            .args([
                "config",
                "routes",
                "test",
                &file,
                &format!("--verify.receivers={receiver}"),
            ])
            .args(labels.split(' '))
            .quiet()
            .output()
            .map_err(|error| misrouted(labels, receiver, &error))?;
    }
    let server = start(&path)?;
    for (source, target, silenced) in INHIBITIONS {
        expect_silence(&server, source, target, *silenced)?;
    }
    for (alerts, messages) in GROUPS {
        expect_messages(&server, alerts, *messages)?;
    }
    expect_silence(&server, ABSENT.0, ABSENT.1, true)?;
    anstream::eprintln!(
        "alertmanager: {} routes, {} inhibitions, {} groupings hold",
        ROUTES.len(),
        INHIBITIONS.len() + 1,
        GROUPS.len()
    );
    Ok(())
}

fn misrouted(labels: Labels, receiver: &str, error: &anyhow::Error) -> anyhow::Error {
    let what = format!("{labels} does not go to {receiver} alone");
    let why = error
        .downcast_ref::<Failure>()
        .map_or_else(|| error.to_string(), |failure| failure.why.clone());
    Failure::new(
        Kind::Check,
        what,
        why,
        "correct `route` in prometheus/alertmanager.yaml",
    )
    .into()
}

/// A real Alertmanager with the checked-in configuration; only the places of its files are others.
fn start(path: &Path) -> Result<Server> {
    let configuration =
        fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let template = Path::new(FOLDER).join("slack.tmpl");
    let template = fs::read_to_string(&template)
        .with_context(|| format!("cannot read {}", template.display()))?;
    let configuration = configuration
        .replace("/etc/alertmanager/secrets/", "{folder}/")
        .replace("/etc/alertmanager/", "{folder}/");
    Server::alertmanager(
        &configuration,
        &[
            ("slack.tmpl", &template),
            ("slack-webhook-url", "http://127.0.0.1:9/closed"),
        ],
    )
}

fn expect_silence(server: &Server, source: Labels, target: Labels, silenced: bool) -> Result<()> {
    let url = format!("--alertmanager.url={}", server.url(""));
    for labels in [source, target] {
        add(&url, labels)?;
    }
    // Whether one inhibits the other is decided when it is looked at, a moment after both have come.
    let begun = Instant::now();
    loop {
        let is_silenced = is_inhibited(&url, target)?;
        if is_silenced == silenced && (silenced || begun.elapsed() > Duration::from_millis(500)) {
            return Ok(());
        }
        if begun.elapsed() > Duration::from_secs(5) {
            let (what, next) = if silenced {
                ("does not silence", "add it to")
            } else {
                ("silences", "narrow")
            };
            let what = format!("{source} {what} {target}");
            return Err(Failure::new(
                Kind::Check,
                what,
                "",
                format!("{next} inhibit_rules in prometheus/alertmanager.yaml"),
            )
            .into());
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// Whether these alerts, all of one name and of namespaces `k` and `l`, are told in so many messages.
fn expect_messages(server: &Server, alerts: &[Labels], messages: usize) -> Result<()> {
    let url = format!("--alertmanager.url={}", server.url(""));
    for labels in alerts {
        add(&url, labels)?;
    }
    let name = alerts[0]
        .split(' ')
        .find_map(|label| label.strip_prefix("alertname="));
    let begun = Instant::now();
    loop {
        let answer = server.ask("/api/v2/alerts/groups", &[])?;
        let ours = |alert: &serde_json::Value| {
            alert["labels"]["alertname"].as_str() == name
                && (alert["labels"]["namespace"] == "k" || alert["labels"]["namespace"] == "l")
        };
        let counts: Vec<usize> = answer
            .as_array()
            .into_iter()
            .flatten()
            .map(|group| {
                let alerts = group["alerts"].as_array().into_iter().flatten();
                alerts.filter(|alert| ours(alert)).count()
            })
            .filter(|count| *count > 0)
            .collect();
        let all: usize = counts.iter().sum();
        if all == alerts.len() && counts.len() == messages {
            return Ok(());
        }
        if begun.elapsed() > Duration::from_secs(5) {
            let what = format!(
                "{} comes in {} messages, not in {messages}",
                name.unwrap_or("an alert"),
                counts.len()
            );
            let why = format!("alerts in each: {counts:?}");
            let next = "correct group_by in prometheus/alertmanager.yaml";
            return Err(Failure::new(Kind::Check, what, why, next).into());
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}

fn add(url: &str, labels: Labels) -> Result<()> {
    tool("amtool")
        .args([url, "alert", "add", "--annotation=summary=test"])
        .args(labels.split(' '))
        .quiet()
        .output()
        .map(drop)
}

fn is_inhibited(url: &str, target: Labels) -> Result<bool> {
    let found = tool("amtool")
        .args([url, "alert", "query", "--inhibited", "--output=json"])
        .args(target.split(' '))
        .quiet()
        .output()?;
    let found: serde_json::Value =
        serde_json::from_str(&found).context("amtool did not answer in JSON")?;
    let alerts = found.as_array().into_iter().flatten();
    Ok(alerts.into_iter().any(|alert| {
        alert["status"]["inhibitedBy"]
            .as_array()
            .is_some_and(|by| !by.is_empty())
    }))
}
