//! Recording rules and alerts of one objective, as the text of a Prometheus rule file. The text is written, not
//! serialised, so that the checked-in file is readable. Must not know where the file is stored or who checks it.

use std::{collections::BTreeSet, fmt::Write as _};

use super::{BurnWindow, Indicator, Promises, Slo, Window};

/// The base window of all longer ones; 5 minutes tolerate a missed scrape and a restart.
const BASE_WINDOW: &str = "5m";

/// The rule file of one objective.
pub(crate) fn rule_file(promises: &Promises, slo: &Slo) -> String {
    let mut file = format!(
        "# Made from prometheus/slos.toml by `cargo xtask rules generate`: change that file, not this one.\n\
         # The promise: {} % {}.\n\
         groups:\n  - name: roster-slo-{}-indicators\n    rules:\n",
        slo.objective_percent, slo.promise, slo.name
    );
    let (events, errors) = base_expressions(&slo.indicator, &promises.service.selector());
    let source = Source { promises, slo };
    let mut record = |name: &str, expression: &str| source.record(&mut file, name, expression);
    record("namespace_job_slo:roster_events:rate5m", &events);
    record("namespace_job_slo:roster_errors:rate5m", &errors);
    for window in windows(promises) {
        record(&ratio_name(&window), &source.ratio(&window));
    }
    if slo.min_errors.is_some() {
        for pair in &promises.windows {
            // By steps of its own: it does not depend on how often the rules are evaluated, and counts what happened, not what
            // would have, had a young service gone on like this.
            let base = source.select("namespace_job_slo:roster_errors:rate5m");
            let (step, seconds) = if pair.long.seconds() > 3600 {
                ("5m", 300)
            } else {
                ("1m", 60)
            };
            let count = format!("sum_over_time({base}[{}:{step}]) * {seconds}", pair.long);
            record(&increase_name(&pair.long), &count);
        }
    }
    let period = format!("{}d", promises.service.period_days);
    record(
        &format!("namespace_job_slo:roster_error_budget_remaining:ratio{period}"),
        &format!(
            "1 - {} / {}",
            source.select(&format!(
                "namespace_job_slo:roster_error_ratio:rate{period}"
            )),
            slo.budget()
        ),
    );
    let _ = write!(
        file,
        "\n  - name: roster-slo-{}-alerts\n    rules:\n",
        slo.name
    );
    let mut alerts: Vec<String> = promises
        .windows
        .iter()
        .map(|window| source.burn_alert(window))
        .collect();
    alerts.extend(slo.trickle_share.map(|share| source.trickle_alert(share)));
    alerts.push(source.absent_indicator_alert());
    file.push_str(&alerts.join("\n"));
    file
}

/// Every window with a recorded ratio, short ones first, each once.
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

/// All events and bad ones, in events per second, one series per namespace.
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
            // Without errors there is no error series, which is not the same as zero.
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
                "sum by (namespace) (rate({histogram}_bucket{{{selector},{service},{}}}[{BASE_WINDOW}]))",
                bucket(*threshold_seconds)
            );
            // Count and bucket may come from two scrapes of a changing histogram: never below zero.
            (
                count.clone(),
                format!("clamp_min(\n  {count}\n  - {quick},\n  0\n)"),
            )
        }
        Indicator::Gauge {
            gauge,
            threshold_seconds,
        } => {
            // Replica-seconds per second: the number of replicas, and of lagging ones.
            let series = format!("{gauge}{{{service}}}");
            let late = format!("({series} > bool {threshold_seconds})[{BASE_WINDOW}:30s]");
            (
                format!("count by (namespace) (present_over_time({series}[{BASE_WINDOW}]))"),
                format!("sum by (namespace) (avg_over_time({late}))"),
            )
        }
    }
}

/// The matcher of a bucket by its upper bound: Prometheus 3 normalises whole numbers, so that `le="1"` is stored as `le="1.0"`.
fn bucket(seconds: f64) -> String {
    if seconds.fract() == 0.0 {
        format!("le=~\"{seconds}([.]0)?\"")
    } else {
        format!("le=\"{seconds}\"")
    }
}

fn increase_name(window: &Window) -> String {
    format!("namespace_job_slo:roster_errors:increase{window}")
}

fn ratio_name(window: &Window) -> String {
    format!("namespace_job_slo:roster_error_ratio:rate{window}")
}

/// Recording rules and alerts of one promise.
struct Source<'a> {
    promises: &'a Promises,
    slo: &'a Slo,
}

impl Source<'_> {
    /// The share of bad events over a window, weighted by traffic, because sums are divided instead of ratios averaged.
    fn ratio(&self, window: &Window) -> String {
        let over = |series: &str| {
            let series = self.select(series);
            if window.to_string() == BASE_WINDOW {
                series
            } else {
                format!("sum_over_time({series}[{window}])")
            }
        };
        format!(
            "{}\n/\n({} > 0)",
            over("namespace_job_slo:roster_errors:rate5m"),
            over("namespace_job_slo:roster_events:rate5m")
        )
    }

    /// A recorded series of this promise, of this job alone: several releases may share a namespace.
    fn select(&self, series: &str) -> String {
        format!(
            "{series}{{slo=\"{}\",{}}}",
            self.slo.name,
            self.promises.service.selector()
        )
    }

    fn record(&self, file: &mut String, name: &str, expression: &str) {
        let _ = write!(
            file,
            "      - record: {name}\n        expr: |-\n{}\n        labels:\n          job: {}\n          slo: {}\n",
            indent(expression),
            self.promises.service.job,
            self.slo.name
        );
    }
    fn burn_alert(&self, window: &BurnWindow) -> String {
        let threshold = format!("{} * {}", window.burn_rate, self.slo.budget());
        let burning = |over: &Window| format!("{} > {threshold}", self.select(&ratio_name(over)));
        let mut expression = format!("{}\nand\n{}", burning(&window.long), burning(&window.short));
        if let Some(floor) = self.slo.min_errors {
            let _ = write!(
                expression,
                "\nand\n{} >= {floor}",
                self.select(&increase_name(&window.long))
            );
        }
        let long = window.long.to_string();
        let excess = if window.burn_rate > 1.0 {
            format!("over {} times what", window.burn_rate)
        } else {
            "more than".to_owned()
        };
        Alert {
        name: format!("Roster{}BudgetBurn", self.slo.title()),
        expression,
        hold: &window.hold.to_string(),
        labels: vec![("severity", &window.severity), ("slo", &self.slo.name), ("window", &long)],
        summary: format!(
            "{{{{ $value | humanizePercentage }}}} of {} {} in the last {}: {excess} the promise of {} % allows.",
            self.slo.event,
            self.slo.failing,
            window.long.in_words(),
            self.slo.objective_percent
        ),
        dashboard: "roster-slo",
    }
    .text(self.promises)
    }

    fn trickle_alert(&self, share: f64) -> String {
        Alert {
        name: format!("Roster{}Trickle", self.slo.title()),
        // Divided by the slices of a whole day: a Prometheus that has just started has too little data to alert.
        expression: format!(
            "sum_over_time(({} > bool 0)[1d:5m]) / 288 >= {share}",
            self.select("namespace_job_slo:roster_errors:rate5m")
        ),
        hold: "30m",
        labels: vec![("severity", "ticket"), ("slo", &self.slo.name)],
        summary: format!(
            "Some {} {} in {{{{ $value | humanizePercentage }}}} of the last day's five-minute slices: too few to burn the budget, too steady to be chance.",
            self.slo.event, self.slo.failing
        ),
        dashboard: &self.slo.dashboard,
    }
    .text(self.promises)
    }

    /// Replicas report, but the objective is not measured: a renamed metric would silence all other rules of this file.
    /// Errors are asked for, not events: of a histogram without the threshold's bucket there are events alone.
    fn absent_indicator_alert(&self) -> String {
        Alert {
        name: "RosterIndicatorAbsent".to_owned(),
        expression: format!(
            "count by (namespace) (roster_build_info{{{}}}) > 0\nunless on (namespace)\n{}",
            self.promises.service.selector(),
            self.select("namespace_job_slo:roster_errors:rate5m")
        ),
        hold: "15m",
        labels: vec![("severity", "ticket"), ("slo", &self.slo.name)],
        summary: format!(
            "{{{{ $value }}}} replica(s) of Roster report, but the promise of {} is not measured.",
            self.slo.name
        ),
        dashboard: "roster-slo",
    }
    .text(self.promises)
    }
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
        let _ = writeln!(text, "          job: {}", promises.service.job);
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

#[cfg(test)]
mod tests {
    use super::bucket;

    #[test]
    fn a_bucket_of_whole_seconds_is_found_under_the_spelling_of_prometheus_2_and_of_3() {
        assert_eq!(bucket(0.1), r#"le="0.1""#);
        assert_eq!(bucket(1.0), r#"le=~"1([.]0)?""#);
        assert_eq!(bucket(2.5), r#"le="2.5""#);
    }
}
