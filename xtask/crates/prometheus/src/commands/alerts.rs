//! `cargo xtask e2e alerts`: an outage of a real Roster, followed from the first failed request to the stand-in for
//! Slack and back. It tests the checked-in rules and Alertmanager's configuration; only their durations may be divided.

mod story;

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;

use anyhow::{Context, Result};

use crate::cli::AlertsArgs;
use crate::prometheus_servers::Server;
use crate::rule_files::{self, FOLDER, time_scale};
use slack_stand_in::{Behaviour, SlackStandIn};
use story::Story;
use xtask::interrupt;
use xtask_service::watched_roster::WatchedRoster;

pub(crate) fn run(args: &AlertsArgs) -> Result<()> {
    interrupt::watch()?;
    let speed = if args.real_time { 1 } else { args.speed };
    let slack = SlackStandIn::start(
        SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
        Behaviour::default(),
    )?;
    let alertmanager = start_alertmanager(&slack.webhook_url(), speed)?;
    let roster = WatchedRoster::start()?;
    let prometheus = start_prometheus(&roster.metrics_targets(), alertmanager.address(), speed)?;
    printing::eprintln!(
        "prometheus: {}  alertmanager: {}  durations divided by {speed}",
        prometheus.url("/"),
        alertmanager.url("/")
    );
    Story::new(&roster, &prometheus, &slack, speed).run()
}

fn start_alertmanager(webhook: &str, speed: u32) -> Result<Server> {
    let read = |name: &str| {
        let path = Path::new(FOLDER).join(name);
        fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))
    };
    let configuration = read("alertmanager.yaml")?
        .replace("/etc/alertmanager/secrets/", "{folder}/")
        .replace("/etc/alertmanager/", "{folder}/");
    let template = read("slack.tmpl")?;
    Server::alertmanager(
        &time_scale::faster(&configuration, speed),
        &[("slack.tmpl", &template), ("slack-webhook-url", webhook)],
    )
}

/// The configuration of a Prometheus that scrapes these targets with the checked-in rules.
pub(crate) fn start_prometheus(
    targets: &[String],
    alertmanager: &str,
    speed: u32,
) -> Result<Server> {
    let mut files = Vec::new();
    for file in rule_files::read_folder("rules")? {
        let text = fs::read_to_string(&file.path)
            .with_context(|| format!("cannot read {}", file.path.display()))?;
        files.push((
            format!("rule-{}", file.name()),
            time_scale::faster(&text, speed),
        ));
    }
    let interval = if speed == 1 { "5s" } else { "1s" };
    let configuration = format!(
        "global: {{scrape_interval: {interval}, evaluation_interval: {interval}}}\n\
         rule_files: ['{{folder}}/rule-*.yaml']\n\
         alerting: {{alertmanagers: [{{static_configs: [{{targets: ['{alertmanager}']}}]}}]}}\n\
         scrape_configs: [{{job_name: roster, static_configs: [{{targets: {targets:?}}}]}}]\n"
    );
    let files: Vec<(&str, &str)> = files
        .iter()
        .map(|(name, text)| (name.as_str(), text.as_str()))
        .collect();
    Server::prometheus(&configuration, &files)
}
