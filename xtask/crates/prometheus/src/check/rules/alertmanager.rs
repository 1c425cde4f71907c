//! Alertmanager's configuration: amtool checks the routes, a real Alertmanager the inhibition and templates. Must not
//! send anything: the running instance's webhook points to a closed port.

mod expected;
mod messages;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::prometheus_servers::Server;
use crate::rule_files::FOLDER;
use expected::{APART, GROUPS, INHIBITIONS, Inhibition, Labels, ROUTES};
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
    messages::check()?;
    let server = start(&path)?;
    let mut tried = Vec::new();
    for (number, inhibition) in INHIBITIONS.iter().enumerate() {
        tried.extend(pairs(inhibition, number));
    }
    let apart = APART.iter().map(|(source, target)| Pair {
        source: (*source).to_owned(),
        target: (*target).to_owned(),
        silenced: false,
    });
    tried.extend(apart);
    expect_silence(&server, &tried)?;
    for (alerts, messages) in GROUPS {
        expect_messages(&server, alerts, *messages)?;
    }
    printing::eprintln!(
        "alertmanager: {} routes, {} inhibitions, {} groupings are as expected; Slack's limit as well",
        ROUTES.len(),
        tried.len(),
        GROUPS.len()
    );
    Ok(())
}

/// Two alerts, and whether the first keeps the second silent.
struct Pair {
    source: String,
    target: String,
    silenced: bool,
}

/// An inhibition with all its shared labels equal, and with each of them different in turn. The values are used by no other
/// pair, since all alerts are with Alertmanager at once.
fn pairs(inhibition: &Inhibition, number: usize) -> Vec<Pair> {
    let labels = |case: usize, other: Option<&str>| -> String {
        let label = |name: &&str| {
            let end = if other == Some(*name) { "-other" } else { "" };
            format!(" {name}=v{number}-{case}{end}")
        };
        inhibition.shared.iter().map(label).collect()
    };
    let others = inhibition.shared.iter().map(|name| Some(*name));
    std::iter::once(None)
        .chain(others)
        .enumerate()
        .map(|(case, other)| Pair {
            source: format!("{}{}", inhibition.source, labels(case, other)),
            target: format!("{}{}", inhibition.target, labels(case, None)),
            silenced: other.is_none(),
        })
        .collect()
}

fn misrouted(labels: Labels, receiver: &str, error: &anyhow::Error) -> anyhow::Error {
    let what = format!("{labels} is not routed only to {receiver}");
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

/// A real Alertmanager with the checked-in configuration; only the paths of its files differ.
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

/// Sends all alerts, then asks for each target until Alertmanager has decided on it.
fn expect_silence(server: &Server, pairs: &[Pair]) -> Result<()> {
    let url = format!("--alertmanager.url={}", server.url(""));
    for pair in pairs {
        add(&url, &pair.source)?;
        add(&url, &pair.target)?;
    }
    let mut faults = Vec::new();
    // Inhibition is computed when an alert is asked for, a moment after both have arrived.
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(5) {
        std::thread::sleep(Duration::from_millis(500));
        let alerts = server.ask("/api/v2/alerts", &[])?;
        faults = pairs
            .iter()
            .filter(|pair| is_inhibited(&alerts, &pair.target) != Some(pair.silenced))
            .collect();
        if faults.is_empty() {
            return Ok(());
        }
    }
    let why: Vec<String> = faults
        .iter()
        .map(|pair| {
            let does = if pair.silenced {
                "does not silence"
            } else {
                "silences"
            };
            format!("{} {does} {}", pair.source, pair.target)
        })
        .collect();
    Err(Failure::new(
        Kind::Check,
        format!("{} inhibition(s) do not hold", why.len()),
        why.join("\n"),
        "correct inhibit_rules in prometheus/alertmanager.yaml",
    )
    .into())
}

/// Whether these alerts, all of one name and of namespaces `k` and `l`, come in so many messages.
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
                "{} results in {} messages instead of {messages}",
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

fn add(url: &str, labels: &str) -> Result<()> {
    tool("amtool")
        .args([url, "alert", "add", "--annotation=summary=test"])
        .args(labels.split(' '))
        .quiet()
        .output()
        .map(drop)
}

/// Whether the alert with exactly these labels is inhibited; `None` when it has not arrived.
fn is_inhibited(alerts: &serde_json::Value, labels: &str) -> Option<bool> {
    let wanted: BTreeMap<&str, &str> = labels
        .split(' ')
        .filter_map(|label| label.split_once('='))
        .collect();
    let alert = alerts.as_array()?.iter().find(|alert| {
        alert["labels"].as_object().is_some_and(|labels| {
            labels.len() == wanted.len()
                && wanted
                    .iter()
                    .all(|(name, value)| labels.get(*name).is_some_and(|found| found == value))
        })
    })?;
    let by = alert["status"]["inhibitedBy"].as_array()?;
    Some(!by.is_empty())
}
