//! Recording rules and alerts of one promise, as the text of a Prometheus rule file.
//! The text is written, not serialised, so that the checked-in file reads like one written by hand.
//! Must not know where the file is kept nor who checks it.

use std::{collections::BTreeSet, fmt::Write as _};

use super::{BurnWindow, Indicator, Promises, Slo, Window};

/// The series every longer window is summed from; 5 minutes bridge a missed scrape and a restart.
const BASE_WINDOW: &str = "5m";

/// The rule file of one promise.
pub(crate) fn rule_file(promises: &Promises, slo: &Slo) -> String {
    let mut file = format!(
        "# Made from prometheus/slos.toml by `cargo xtask rules generate`: change that file, not this one.\n\
         # The promise: {} % {}.\n\
         groups:\n  - name: roster-slo-{}-indicators\n    rules:\n",
        slo.objective_percent, slo.promise, slo.name
    );
    let (events, errors) = base_expressions(&slo.indicator, &promises.service.selector);
    record(
        &mut file,
        "namespace_slo:roster_events:rate5m",
        &events,
        slo,
    );
    record(
        &mut file,
        "namespace_slo:roster_errors:rate5m",
        &errors,
        slo,
    );
    for window in windows(promises) {
        record(&mut file, &ratio_name(&window), &ratio(slo, &window), slo);
    }
    if slo.min_errors.is_some() {
        for pair in &promises.windows {
            // By steps of its own: it does not depend on how often the rules are evaluated, and counts what happened, not what
            // would have, had a young service gone on like this.
            let base = select("namespace_slo:roster_errors:rate5m", slo);
            let (step, seconds) = if pair.long.seconds() > 3600 {
                ("5m", 300)
            } else {
                ("1m", 60)
            };
            let count = format!("sum_over_time({base}[{}:{step}]) * {seconds}", pair.long);
            record(&mut file, &increase_name(&pair.long), &count, slo);
        }
    }
    let period = format!("{}d", promises.service.period_days);
    record(
        &mut file,
        &format!("namespace_slo:roster_error_budget_remaining:ratio{period}"),
        &format!(
            "1 - {} / {}",
            select(
                &format!("namespace_slo:roster_error_ratio:rate{period}"),
                slo
            ),
            slo.budget()
        ),
        slo,
    );
    let _ = write!(
        file,
        "\n  - name: roster-slo-{}-alerts\n    rules:\n",
        slo.name
    );
    let mut alerts: Vec<String> = promises
        .windows
        .iter()
        .map(|window| burn_alert(promises, slo, window))
        .collect();
    alerts.extend(
        slo.trickle_share
            .map(|share| trickle_alert(promises, slo, share)),
    );
    alerts.push(blind_alert(promises, slo));
    file.push_str(&alerts.join("\n"));
    file
}

/// Every window for which a ratio is recorded, short ones first, each once.
fn windows(promises: &Promises) -> Vec<Window> {
    let period = Window::try_from(format!("{}d", promises.service.period_days));
    let all: BTreeSet<(u64, String)> = promises
        .windows
        .iter()
        .flat_map(|pair| [pair.short.clone(), pair.long.clone()])
        .chain(period)
        .map(|window| (window.seconds(), window.to_string()))
        .collect();
    all.into_iter()
        .filter_map(|(_, text)| Window::try_from(text).ok())
        .collect()
}

/// All events and the bad ones, in events a second, one series for each namespace.
fn base_expressions(indicator: &Indicator, service: &str) -> (String, String) {
    let within = |selector: &str| match selector.strip_suffix('}') {
        Some(open) => format!("{open},{service}}}"),
        None => format!("{selector}{{{service}}}"),
    };
    match indicator {
        Indicator::Requests { events, errors } => {
            let all = format!(
                "sum by (namespace) (rate({}[{BASE_WINDOW}]))",
                within(events)
            );
            let bad = format!(
                "sum by (namespace) (rate({}[{BASE_WINDOW}]))",
                within(errors)
            );
            // Without a single error there is no error series, and no series is not zero.
            (all.clone(), format!("{bad}\nor\n0 * {all}"))
        }
        Indicator::Duration {
            histogram,
            selector,
            threshold_seconds,
        } => {
            let count = format!(
                "sum by (namespace) (rate({histogram}_count{{{selector},{service}}}[{BASE_WINDOW}]))"
            );
            let quick = format!(
                "sum by (namespace) (rate({histogram}_bucket{{{selector},{service},le=\"{threshold_seconds}\"}}[{BASE_WINDOW}]))"
            );
            // The count and the bucket may come from two scrapes of a changing histogram: never below nothing.
            (
                count.clone(),
                format!("clamp_min(\n  {count}\n  - {quick},\n  0\n)"),
            )
        }
        Indicator::Gauge {
            gauge,
            threshold_seconds,
        } => {
            // Replica-seconds a second: how many replicas there are, and how many of them are late.
            let series = format!("{gauge}{{{service}}}");
            let late = format!("({series} > bool {threshold_seconds})[{BASE_WINDOW}:30s]");
            (
                format!("count by (namespace) (present_over_time({series}[{BASE_WINDOW}]))"),
                format!("sum by (namespace) (avg_over_time({late}))"),
            )
        }
    }
}

fn increase_name(window: &Window) -> String {
    format!("namespace_slo:roster_errors:increase{window}")
}

fn ratio_name(window: &Window) -> String {
    format!("namespace_slo:roster_error_ratio:rate{window}")
}

/// The share of bad events over a window: weighted by traffic, since sums are divided and not ratios averaged.
fn ratio(slo: &Slo, window: &Window) -> String {
    let over = |series: &str| {
        let series = select(series, slo);
        if window.to_string() == BASE_WINDOW {
            series
        } else {
            format!("sum_over_time({series}[{window}])")
        }
    };
    format!(
        "{}\n/\n({} > 0)",
        over("namespace_slo:roster_errors:rate5m"),
        over("namespace_slo:roster_events:rate5m")
    )
}

fn select(series: &str, slo: &Slo) -> String {
    format!("{series}{{slo=\"{}\"}}", slo.name)
}

fn record(file: &mut String, name: &str, expression: &str, slo: &Slo) {
    let _ = write!(
        file,
        "      - record: {name}\n        expr: |-\n{}\n        labels:\n          slo: {}\n",
        indent(expression),
        slo.name
    );
}

fn indent(expression: &str) -> String {
    expression
        .lines()
        .map(|line| format!("          {line}"))
        .collect::<Vec<_>>()
        .join("\n")
}

struct Alert<'a> {
    name: String,
    expression: String,
    hold: &'a str,
    labels: Vec<(&'a str, &'a str)>,
    summary: String,
    dashboard: &'a str,
}

impl Alert<'_> {
    fn text(&self, promises: &Promises) -> String {
        let mut text = format!(
            "      - alert: {}\n        expr: |-\n{}\n        for: {}\n        labels:\n",
            self.name,
            indent(&self.expression),
            self.hold
        );
        for (label, value) in &self.labels {
            let _ = writeln!(text, "          {label}: {value}");
        }
        let _ = write!(
            text,
            "        annotations:\n          summary: '{}'\n          dashboard_url: {}/{}\n          runbook_url: {}/{}.md\n",
            self.summary.replace('\'', "''"),
            promises.links.dashboards,
            self.dashboard,
            promises.links.runbooks,
            self.name
        );
        text
    }
}

fn burn_alert(promises: &Promises, slo: &Slo, window: &BurnWindow) -> String {
    let threshold = format!("{} * {}", window.burn_rate, slo.budget());
    let burning = |over: &Window| format!("{} > {threshold}", select(&ratio_name(over), slo));
    let mut expression = format!("{}\nand\n{}", burning(&window.long), burning(&window.short));
    if let Some(floor) = slo.min_errors {
        let _ = write!(
            expression,
            "\nand\n{} >= {floor}",
            select(&increase_name(&window.long), slo)
        );
    }
    let long = window.long.to_string();
    let excess = if window.burn_rate > 1.0 {
        format!("over {} times what", window.burn_rate)
    } else {
        "more than".to_owned()
    };
    Alert {
        name: format!("Roster{}BudgetBurn", slo.title()),
        expression,
        hold: &window.hold.to_string(),
        labels: vec![("severity", &window.severity), ("slo", &slo.name), ("window", &long)],
        summary: format!(
            "{{{{ $value | humanizePercentage }}}} of {} {} in the last {}: {excess} the promise of {} % allows.",
            slo.event,
            slo.failing,
            window.long.in_words(),
            slo.objective_percent
        ),
        dashboard: "roster-slo",
    }
    .text(promises)
}

fn trickle_alert(promises: &Promises, slo: &Slo, share: f64) -> String {
    Alert {
        name: format!("Roster{}Trickle", slo.title()),
        // Divided by the slices of a whole day: a Prometheus that has just started knows too little to complain.
        expression: format!(
            "sum_over_time(({} > bool 0)[1d:5m]) / 288 >= {share}",
            select("namespace_slo:roster_errors:rate5m", slo)
        ),
        hold: "30m",
        labels: vec![("severity", "ticket"), ("slo", &slo.name)],
        summary: format!(
            "Some {} {} in {{{{ $value | humanizePercentage }}}} of the last day's five-minute slices: too few to burn the budget, too steady to be chance.",
            slo.event, slo.failing
        ),
        dashboard: &slo.dashboard,
    }
    .text(promises)
}

/// Replicas report, but the promise is not measured: a renamed metric would silence all other rules of this file.
fn blind_alert(promises: &Promises, slo: &Slo) -> String {
    Alert {
        name: "RosterIndicatorAbsent".to_owned(),
        expression: format!(
            "count by (namespace) (roster_build_info{{{}}}) > 0\nunless on (namespace)\n{}",
            promises.service.selector,
            select("namespace_slo:roster_events:rate5m", slo)
        ),
        hold: "15m",
        labels: vec![("severity", "ticket"), ("slo", &slo.name)],
        summary: format!(
            "{{{{ $value }}}} replica(s) of Roster report, but the promise of {} is not measured.",
            slo.name
        ),
        dashboard: "roster-slo",
    }
    .text(promises)
}
