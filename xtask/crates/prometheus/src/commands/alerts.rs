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
use crate::slo::{self, Indicator, Promises, burn_rate_rules};
use slack_stand_in::{Behaviour, SlackStandIn};
use story::Story;
use xtask::interrupt;
use xtask_service::watched_roster::WatchedRoster;

/// The name of the promise that the story adds.
const WHOLE_SECOND: &str = "whole-second";

pub(crate) fn run(args: &AlertsArgs) -> Result<()> {
    interrupt::watch()?;
    let speed = if args.real_time { 1 } else { args.speed };
    let slack = SlackStandIn::start(
        SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
        Behaviour::default(),
    )?;
    let alertmanager = start_alertmanager(&slack.webhook_url(), speed)?;
    let roster = WatchedRoster::start()?;
    let whole_second = whole_second_promise()?;
    let prometheus = start_prometheus(
        args.prometheus.as_deref(),
        &roster.metrics_targets(),
        alertmanager.address(),
        speed,
        &[("whole-second.yaml", &whole_second)],
    )?;
    printing::eprintln!(
        "prometheus {}: {}  alertmanager: {}  durations divided by {speed}",
        prometheus.version()?,
        prometheus.url("/"),
        alertmanager.url("/")
    );
    let mut objectives: Vec<_> = promises()?.slos.into_iter().map(|slo| slo.name).collect();
    objectives.push(WHOLE_SECOND.to_owned());
    Story::new(&roster, &prometheus, &slack, speed, objectives).run()
}

fn promises() -> Result<Promises> {
    slo::read(Path::new(FOLDER))
}

/// The recording rules of a promise about latency with a threshold of one second. Prometheus 2 and 3 store the bound of
/// such a bucket differently; a rule for one of them would never record anything on the other.
fn whole_second_promise() -> Result<String> {
    let mut promises = promises()?;
    let mut slos = promises.slos.iter_mut();
    let latency = slos
        .find(|slo| matches!(slo.indicator, Indicator::Duration { .. }))
        .context("slos.toml has no objective about a duration")?;
    WHOLE_SECOND.clone_into(&mut latency.name);
    if let Indicator::Duration {
        threshold_seconds, ..
    } = &mut latency.indicator
    {
        *threshold_seconds = 1.0;
    }
    let slo = promises.slos.iter().find(|slo| slo.name == WHOLE_SECOND);
    let file = burn_rate_rules::rule_file(&promises, slo.context("the objective is gone")?);
    // Its alerts are not part of the story.
    let (rules, _) = file
        .split_once(&format!("\n  - name: roster-slo-{WHOLE_SECOND}-alerts"))
        .context("the rule file has no group of alerts")?;
    Ok(rules.to_owned())
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

/// A Prometheus, this program or else the one that is found, which scrapes these targets with the checked-in rules and
/// with `further` ones (name, text).
pub(crate) fn start_prometheus(
    program: Option<&Path>,
    targets: &[String],
    alertmanager: &str,
    speed: u32,
    further: &[(&str, &str)],
) -> Result<Server> {
    let further = further.iter();
    let mut files: Vec<_> = further
        .map(|(name, text)| (format!("rule-{name}"), time_scale::faster(text, speed)))
        .collect();
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
    Server::prometheus(program, &configuration, &files)
}
