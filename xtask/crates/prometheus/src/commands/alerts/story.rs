//! The sequence of one outage, with the time of each event. An event that does not occur in time is a failure. Must not
//! start or configure anything.

use std::time::{Duration, Instant};

use anyhow::Result;
use serde_json::Value;

use crate::prometheus_servers::Server;
use slack_stand_in::SlackStandIn;
use xtask::failure::{Failure, Kind};
use xtask::interrupt;
use xtask_service::watched_roster::WatchedRoster;

const ALERT: &str = "RosterAvailabilityBudgetBurn";
const CHANNEL: &str = "#roster-pages";
const RUNBOOK: &str = "runbooks/RosterAvailabilityBudgetBurn.md";

/// What is observed, and what has happened so far.
pub(super) struct Story<'a> {
    roster: &'a WatchedRoster,
    prometheus: &'a Server,
    slack: &'a SlackStandIn,
    speed: u32,
    /// Those that have to be measured.
    objectives: Vec<String>,
    begun: Instant,
    turns: Vec<(String, Duration)>,
}

impl<'a> Story<'a> {
    /// Nothing has happened yet.
    pub(super) fn new(
        roster: &'a WatchedRoster,
        prometheus: &'a Server,
        slack: &'a SlackStandIn,
        speed: u32,
        objectives: Vec<String>,
    ) -> Self {
        Self {
            roster,
            prometheus,
            slack,
            speed,
            objectives,
            begun: Instant::now(),
            turns: Vec::new(),
        }
    }

    /// Runs the whole sequence and prints the times.
    pub(super) fn run(mut self) -> Result<()> {
        self.until(
            "both replicas are scraped and every objective is measured",
            120,
            Story::is_measured,
        )?;
        self.until("requests succeed, and nothing fires", 60, |story| {
            Ok(story.roster.answered().0 > 100 && story.state()?.is_none())
        })?;
        self.roster.cut_database();
        let cut = self.turn("OUTAGE: the database cannot be reached");
        self.until("the alert is pending", 120, |story| {
            Ok(story.state()?.as_deref() == Some("pending"))
        })?;
        self.until("the alert is firing", 300, |story| {
            Ok(story.state()?.as_deref() == Some("firing"))
        })?;
        let firing = self.until("Slack has the page", 120, |story| {
            Ok(story.message("FIRING").is_some())
        })?;
        self.check_page()?;
        self.roster.restore_database();
        let restored = self.turn("the database can be reached again");
        self.until("the alert is over", 1200, |story| {
            Ok(story.state()?.is_none())
        })?;
        let resolved = self.until("Slack has the resolved message", 600, |story| {
            Ok(story.message("RESOLVED").is_some())
        })?;
        self.conclude(
            firing.saturating_sub(cut),
            resolved.saturating_sub(restored),
        )
    }

    fn is_measured(&self) -> Result<bool> {
        let up = self.value("count(up{job=\"roster\"} == 1)")?;
        for slo in &self.objectives {
            let ratio = format!("namespace_job_slo:roster_error_ratio:rate5m{{slo=\"{slo}\"}}");
            if self.value(&ratio)?.is_none_or(f64::is_nan) {
                return Ok(false);
            }
        }
        Ok(up == Some(2.0))
    }

    fn value(&self, query: &str) -> Result<Option<f64>> {
        let answer = self.prometheus.ask("/api/v1/query", &[("query", query)])?;
        Ok(answer
            .pointer("/data/result/0/value/1")
            .and_then(Value::as_str)
            .and_then(|text| text.parse().ok()))
    }

    /// `pending` or `firing`, if the alert's fastest rule is either.
    fn state(&self) -> Result<Option<String>> {
        let answer = self.prometheus.ask("/api/v1/alerts", &[])?;
        let alerts = answer["data"]["alerts"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        let ours = alerts.iter().find(|alert| {
            alert["labels"]["alertname"] == ALERT && alert["labels"]["window"] == "1h"
        });
        Ok(ours
            .and_then(|alert| alert["state"].as_str())
            .map(str::to_owned))
    }

    /// The first message about the alert in this state.
    fn message(&self, state: &str) -> Option<Value> {
        let title = format!("{state} {ALERT}");
        self.slack
            .accepted()
            .into_iter()
            .find(|message| message.to_string().contains(&title))
    }

    /// Checks that the message has the value and links, and went to the paging channel.
    fn check_page(&self) -> Result<()> {
        let message = self.message("FIRING").unwrap_or_default();
        let text = message.to_string();
        for part in [
            CHANNEL,
            RUNBOOK,
            "of requests failed in the last hour",
            "grafana",
        ] {
            if !text.contains(part) {
                let what = format!("the page at Slack lacks `{part}`");
                return Err(Failure::new(
                    Kind::Check,
                    what,
                    text,
                    "correct prometheus/alertmanager.yaml or slack.tmpl",
                )
                .into());
            }
        }
        let attachment = &message["attachments"][0];
        printing::eprintln!(
            "  {} → {}",
            attachment["title"].as_str().unwrap_or_default(),
            attachment["text"].as_str().unwrap_or_default().trim_end()
        );
        Ok(())
    }

    fn turn(&mut self, what: &str) -> Duration {
        let at = self.begun.elapsed();
        printing::eprintln!("{:>7.1} s  {what}", at.as_secs_f64());
        self.turns.push((what.to_owned(), at));
        at
    }

    /// Waits for an event; the limit applies to undivided durations.
    fn until(
        &mut self,
        what: &str,
        limit_s: u64,
        has_come: impl Fn(&Self) -> Result<bool>,
    ) -> Result<Duration> {
        // Scrapes, starts and deliveries take the same time however the durations are divided.
        let limit = Duration::from_secs(limit_s) / self.speed + Duration::from_secs(30);
        let begun = Instant::now();
        while !has_come(self)? {
            if interrupt::requested() {
                return Err(Failure::new(
                    Kind::Interrupted,
                    format!("interrupted while waiting: {what}"),
                    "Ctrl-C or SIGTERM",
                    "run it again",
                )
                .into());
            }
            if begun.elapsed() > limit {
                let why = format!(
                    "waited {} s and polled Prometheus and the stand-in for Slack",
                    limit.as_secs()
                );
                return Err(Failure::new(
                    Kind::Check,
                    format!("it did not happen: {what}"),
                    why,
                    "look at prometheus/rules and alertmanager.yaml",
                )
                .into());
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        Ok(self.turn(what))
    }

    fn conclude(&self, to_slack: Duration, to_all_clear: Duration) -> Result<()> {
        printing::println!("| time | what |\n| ---: | --- |");
        for (what, at) in &self.turns {
            printing::println!("| {:.1} s | {what} |", at.as_secs_f64());
        }
        let (good, bad) = self.roster.answered();
        printing::println!(
            "\n{good} requests succeeded, {bad} failed; {:.1} s from outage to Slack, {:.1} s from \
                repair to the resolved message; durations divided by {}",
            to_slack.as_secs_f64(),
            to_all_clear.as_secs_f64(),
            self.speed
        );
        let refused = self.slack.refused();
        if refused.is_empty() {
            return Ok(());
        }
        Err(Failure::new(
            Kind::Check,
            "Slack would have rejected messages",
            refused.join("\n"),
            "correct prometheus/alertmanager.yaml",
        )
        .into())
    }
}
