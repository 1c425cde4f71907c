//! Alertmanager's configuration: its routes by amtool, its inhibition and its templates by a real Alertmanager.
//! Must not send anything anywhere: the webhook of the running one leads to a closed port.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::failure::{Failure, Kind};
use crate::prometheus_servers::Server;
use crate::rule_files::FOLDER;
use crate::run_tool::tool;

/// Which receiver hears of which alert.
const ROUTES: &[(&str, &[&str])] = &[
    ("slack-pages", &["alertname=RosterAbsent", "severity=page"]),
    (
        "slack-pages",
        &[
            "alertname=RosterLatencyBudgetBurn",
            "severity=page",
            "slo=latency",
        ],
    ),
    (
        "slack-tickets",
        &[
            "alertname=RosterLatencyBudgetBurn",
            "severity=ticket",
            "slo=latency",
        ],
    ),
    (
        "slack-tickets",
        &["alertname=RosterPodRestarting", "severity=ticket"],
    ),
    // Not Roster's own, or without a severity: seen, but nobody is woken.
    (
        "slack-tickets",
        &["alertname=SomethingElse", "severity=page"],
    ),
    ("slack-tickets", &["alertname=RosterAbsent"]),
];

type Labels = &'static [&'static str];

/// (what fires, what else fires, whether the first then keeps the second silent).
const INHIBITIONS: &[(Labels, Labels, bool)] = &[
    (
        &[
            "alertname=RosterAvailabilityBudgetBurn",
            "severity=page",
            "namespace=a",
            "slo=availability",
        ],
        &[
            "alertname=RosterAvailabilityTrickle",
            "severity=ticket",
            "namespace=a",
            "slo=availability",
        ],
        true,
    ),
    (
        &[
            "alertname=RosterAvailabilityBudgetBurn",
            "severity=page",
            "namespace=b",
            "slo=availability",
        ],
        &[
            "alertname=RosterLatencyBudgetBurn",
            "severity=ticket",
            "namespace=b",
            "slo=latency",
        ],
        false,
    ),
    (
        &[
            "alertname=RosterAvailabilityBudgetBurn",
            "severity=ticket",
            "namespace=c",
            "slo=availability",
        ],
        &[
            "alertname=RosterAvailabilityTrickle",
            "severity=ticket",
            "namespace=c",
            "slo=availability",
        ],
        false,
    ),
    (
        &[
            "alertname=RosterDatabaseDiskNearlyFull",
            "severity=page",
            "database_id=d1",
        ],
        &[
            "alertname=RosterDatabaseDiskFilling",
            "severity=ticket",
            "database_id=d1",
        ],
        true,
    ),
    (
        &[
            "alertname=RosterDatabaseDiskNearlyFull",
            "severity=page",
            "database_id=d2",
        ],
        &[
            "alertname=RosterDatabaseDiskFilling",
            "severity=ticket",
            "database_id=d3",
        ],
        false,
    ),
    (
        &[
            "alertname=RosterCertificateExpiring",
            "severity=page",
            "namespace=e",
            "name=tls",
        ],
        &[
            "alertname=RosterCertificateNearExpiry",
            "severity=ticket",
            "namespace=e",
            "name=tls",
        ],
        true,
    ),
    (
        &[
            "alertname=RosterAvailabilityBudgetBurn",
            "severity=page",
            "namespace=h",
            "slo=availability",
        ],
        &[
            "alertname=RosterLatencyBudgetBurn",
            "severity=page",
            "namespace=h",
            "slo=latency",
        ],
        true,
    ),
    (
        &[
            "alertname=RosterAvailabilityBudgetBurn",
            "severity=page",
            "namespace=i",
            "slo=availability",
        ],
        &[
            "alertname=RosterFreshnessBudgetBurn",
            "severity=page",
            "namespace=j",
            "slo=freshness",
        ],
        false,
    ),
    (
        &[
            "alertname=RosterMigrationFailed",
            "severity=ticket",
            "namespace=f",
        ],
        &[
            "alertname=RosterReplicasUnavailable",
            "severity=ticket",
            "namespace=f",
        ],
        true,
    ),
];

/// (alerts of one name, in how many messages they come).
const GROUPS: &[(&[Labels], usize)] = &[
    // One outage burns in several windows and namespaces: one page.
    (
        &[
            &[
                "alertname=RosterFreshnessBudgetBurn",
                "severity=page",
                "slo=freshness",
                "window=1h",
                "namespace=k",
            ],
            &[
                "alertname=RosterFreshnessBudgetBurn",
                "severity=page",
                "slo=freshness",
                "window=6h",
                "namespace=l",
            ],
        ],
        1,
    ),
    // Pods of one namespace come together, those of another are another's ticket.
    (
        &[
            &[
                "alertname=RosterPodRestarting",
                "severity=ticket",
                "namespace=k",
                "pod=a",
            ],
            &[
                "alertname=RosterPodRestarting",
                "severity=ticket",
                "namespace=k",
                "pod=b",
            ],
            &[
                "alertname=RosterPodRestarting",
                "severity=ticket",
                "namespace=l",
                "pod=c",
            ],
        ],
        2,
    ),
];

/// This one silences across namespaces, and so is tried when the others are done.
const ABSENT: (Labels, Labels) = (
    &["alertname=RosterAbsent", "severity=page"],
    &[
        "alertname=RosterTargetDown",
        "severity=ticket",
        "namespace=g",
    ],
);

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
            .args(*labels)
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

fn misrouted(labels: &[&str], receiver: &str, error: &anyhow::Error) -> anyhow::Error {
    let what = format!("{} does not go to {receiver} alone", labels.join(" "));
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
        tool("amtool")
            .args([&url, "alert", "add", "--annotation=summary=test"])
            .args(labels)
            .quiet()
            .output()?;
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
            let what = format!("{} {what} {}", source.join(" "), target.join(" "));
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
        tool("amtool")
            .args([&url, "alert", "add", "--annotation=summary=test"])
            .args(*labels)
            .quiet()
            .output()?;
    }
    let name = alerts[0][0].trim_start_matches("alertname=");
    let begun = Instant::now();
    loop {
        let answer = server.ask("/api/v2/alerts/groups", &[])?;
        let ours = |alert: &serde_json::Value| {
            alert["labels"]["alertname"] == name
                && (alert["labels"]["namespace"] == "k" || alert["labels"]["namespace"] == "l")
        };
        let counts: Vec<usize> = answer
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|group| {
                Some(
                    group["alerts"]
                        .as_array()?
                        .iter()
                        .filter(|a| ours(a))
                        .count(),
                )
            })
            .filter(|count| *count > 0)
            .collect();
        let all: usize = counts.iter().sum();
        if all == alerts.len() && counts.len() == messages {
            return Ok(());
        }
        if begun.elapsed() > Duration::from_secs(5) {
            let what = format!(
                "{name} comes in {} messages, not in {messages}",
                counts.len()
            );
            let why = format!("alerts in each: {counts:?}");
            let next = "correct group_by in prometheus/alertmanager.yaml";
            return Err(Failure::new(Kind::Check, what, why, next).into());
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}

fn is_inhibited(url: &str, target: Labels) -> Result<bool> {
    let found = tool("amtool")
        .args([url, "alert", "query", "--inhibited", "--output=json"])
        .args(target)
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
