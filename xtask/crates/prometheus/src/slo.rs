//! Parses and validates the objectives in `prometheus/slos.toml`. Everything generated from them (rules, dashboards,
//! the table in the README) takes its numbers from here. Must not know the file formats of Prometheus or Grafana: those
//! are in the submodules.

mod buckets;
pub(crate) mod burn_rate_rules;
mod dashboards;
pub(crate) mod generated;
mod grafana;

use std::{collections::BTreeMap, fmt, fs, path::Path};

use serde::Deserialize;

use xtask::failure::{Failure, Kind};

/// The whole file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Promises {
    /// Bases of links in alerts and dashboards.
    pub(crate) links: Links,
    /// Settings common to all objectives.
    pub(crate) service: Service,
    /// The pairs of windows for every error budget.
    pub(crate) windows: Vec<BurnWindow>,
    /// The objectives.
    #[serde(rename = "slo")]
    pub(crate) slos: Vec<Slo>,
}

/// Bases of links, without a trailing slash.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Links {
    /// URL of the directory of runbooks.
    pub(crate) runbooks: String,
    /// URL of Grafana's `/d`; a dashboard's uid is appended.
    pub(crate) dashboards: String,
}

/// Settings common to all objectives.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Service {
    /// The `job` label of Roster's series; recorded series and alerts carry it, too.
    pub(crate) job: String,
    /// The period of the objectives.
    pub(crate) period_days: u32,
}

/// One burn-rate rule of every objective.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct BurnWindow {
    /// The long window: the burn is significant.
    pub(crate) long: Window,
    /// The short window: the burn is ongoing.
    pub(crate) short: Window,
    /// The burn rate.
    pub(crate) burn_rate: f64,
    /// How long the condition holds before the alert fires.
    #[serde(rename = "for")]
    pub(crate) hold: Window,
    /// `page` or `ticket`.
    pub(crate) severity: String,
}

/// One objective.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Slo {
    /// The value of its `slo` label.
    pub(crate) name: String,
    /// The target share of good events.
    pub(crate) objective_percent: f64,
    /// The objective as text that follows "99.9 % ".
    pub(crate) promise: String,
    /// The events, in the plural.
    pub(crate) event: String,
    /// Text for bad events, as in "1 % of requests {failing}".
    pub(crate) failing: String,
    /// Fewer bad events than this in the long window never burn.
    pub(crate) min_errors: Option<u32>,
    /// The share of a day's five-minute slices that may see a bad event.
    pub(crate) trickle_share: Option<f64>,
    /// The uid of its dashboard.
    pub(crate) dashboard: String,
    /// How good and bad events are distinguished.
    pub(crate) indicator: Indicator,
}

/// How good and bad events are distinguished.
#[derive(Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Indicator {
    /// The selectors of two counters: all events, and bad ones.
    Requests {
        /// Selects every event.
        events: String,
        /// Selects the bad ones.
        errors: String,
    },
    /// A histogram; events above the threshold (one of its buckets) are bad.
    Duration {
        /// The histogram's name.
        histogram: String,
        /// Additional label matchers.
        selector: String,
        /// An upper bound that is one of the buckets.
        threshold_seconds: f64,
    },
    /// A gauge per replica; time above the threshold is bad.
    Gauge {
        /// The gauge's name.
        gauge: String,
        /// Above this, a replica lags.
        threshold_seconds: f64,
    },
}

impl Service {
    /// The label matcher that selects Roster's series.
    pub(crate) fn selector(&self) -> String {
        format!("job=\"{}\"", self.job)
    }
}

impl Slo {
    /// The share of events that may be bad.
    pub(crate) fn budget(&self) -> f64 {
        // Percentages are decimal; without rounding, 99.9 becomes a budget of 0.00099999….
        ((100.0 - self.objective_percent) * 1e8).round() / 1e10
    }

    /// The name in the form alert names have: `Availability`.
    pub(crate) fn title(&self) -> String {
        let mut letters = self.name.chars();
        letters
            .next()
            .map(|first| first.to_uppercase().chain(letters).collect())
            .unwrap_or_default()
    }
}

/// A Prometheus duration of one unit, such as `30m`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Window {
    text: String,
    seconds: u64,
}

impl Window {
    /// Its length.
    pub(crate) fn seconds(&self) -> u64 {
        self.seconds
    }

    /// `1h` as text after "the last": "hour", and `3d`: "3 days".
    pub(crate) fn in_words(&self) -> String {
        let (count, unit) = self.text.split_at(self.text.len() - 1);
        let unit = match unit {
            "s" => "second",
            "m" => "minute",
            "h" => "hour",
            _ => "day",
        };
        if count == "1" {
            unit.to_owned()
        } else {
            format!("{count} {unit}s")
        }
    }
}

impl TryFrom<String> for Window {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let wrong = || {
            format!("`{text}` is not a duration: use a whole number and s, m, h or d, such as 30m")
        };
        let unit = match text.chars().last() {
            Some('s') => 1,
            Some('m') => 60,
            Some('h') => 3_600,
            Some('d') => 86_400,
            _ => return Err(wrong()),
        };
        let count: u64 = text[..text.len() - 1].parse().map_err(|_| wrong())?;
        if count == 0 {
            return Err(wrong());
        }
        Ok(Self {
            seconds: count * unit,
            text,
        })
    }
}

impl fmt::Display for Window {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.text)
    }
}

/// Reads the objectives and rejects implausible ones.
pub(crate) fn read(prometheus_folder: &Path) -> anyhow::Result<Promises> {
    let path = prometheus_folder.join("slos.toml");
    let text = fs::read_to_string(&path).map_err(|error| {
        Failure::new(
            Kind::Usage,
            format!("cannot read {}", path.display()),
            error.to_string(),
            "run this command inside the repository",
        )
    })?;
    let buckets = buckets::of_service()?;
    parse(&text)
        .and_then(|promises| with_buckets(promises, &buckets))
        .map_err(|why| {
            Failure::new(
                Kind::Usage,
                format!("{} is not valid", path.display()),
                why,
                "correct the line; comments in the file explain each field",
            )
            .into()
        })
}

/// Refuses a threshold that is not a bucket of the service's histogram: the rule would find no series, and never fire.
fn with_buckets(
    promises: Promises,
    buckets: &BTreeMap<String, Vec<f64>>,
) -> Result<Promises, String> {
    for slo in &promises.slos {
        let Indicator::Duration {
            histogram,
            threshold_seconds,
            ..
        } = &slo.indicator
        else {
            continue;
        };
        let Some(bounds) = buckets.get(histogram) else {
            return Err(format!(
                "`{}` measures {histogram}, which is not a histogram of the service",
                slo.name
            ));
        };
        if !bounds
            .iter()
            .any(|bound| (bound - threshold_seconds).abs() < f64::EPSILON)
        {
            return Err(format!(
                "threshold_seconds of `{}` is {threshold_seconds}, which is not a bucket of {histogram}: {bounds:?}",
                slo.name
            ));
        }
    }
    Ok(promises)
}

fn parse(text: &str) -> Result<Promises, String> {
    let promises: Promises = toml::from_str(text).map_err(|error| error.to_string())?;
    for slo in &promises.slos {
        if !(50.0..100.0).contains(&slo.objective_percent) {
            return Err(format!(
                "objective_percent of `{}` is {}: it must be at least 50 and below 100, for 100 leaves no budget",
                slo.name, slo.objective_percent
            ));
        }
    }
    for window in &promises.windows {
        if window.short.seconds() >= window.long.seconds() {
            return Err(format!(
                "window {} is not longer than {}",
                window.long, window.short
            ));
        }
        if !["page", "ticket"].contains(&window.severity.as_str()) {
            return Err(format!(
                "severity `{}` is neither page nor ticket",
                window.severity
            ));
        }
        // A rule that needs more errors than events can never fire.
        for slo in &promises.slos {
            if slo.budget() * window.burn_rate >= 1.0 {
                return Err(format!(
                    "`{}` at {} times its budget is over 100 %: that rule could never fire",
                    slo.name, window.burn_rate
                ));
            }
        }
    }
    Ok(promises)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHECKED_IN: &str = include_str!("../../../../prometheus/slos.toml");

    #[test]
    fn the_checked_in_promises_are_read() {
        let promises = parse(CHECKED_IN).unwrap();
        let budgets: Vec<_> = promises
            .slos
            .iter()
            .map(|slo| (slo.name.as_str(), slo.budget()))
            .collect();
        assert_eq!(
            budgets,
            [
                ("availability", 0.001),
                ("latency", 0.01),
                ("freshness", 0.001)
            ]
        );
    }

    #[test]
    fn an_objective_of_one_hundred_percent_is_refused() {
        let why = parse(&CHECKED_IN.replace("objective_percent = 99.9", "objective_percent = 100"))
            .unwrap_err();
        assert!(why.contains("leaves no budget"), "{why}");
    }

    #[test]
    fn a_threshold_that_is_not_a_bucket_is_refused() {
        let buckets = BTreeMap::from([(
            "roster_http_request_duration_seconds".to_owned(),
            vec![0.05, 0.1],
        )]);
        let read = |text: &str| parse(text).and_then(|promises| with_buckets(promises, &buckets));
        assert!(read(CHECKED_IN).is_ok());
        let why = read(&CHECKED_IN.replace("threshold_seconds = 0.1", "threshold_seconds = 0.2"))
            .unwrap_err();
        assert!(why.contains("is not a bucket"), "{why}");
        let why =
            read(&CHECKED_IN.replace("http_request_duration", "request_duration")).unwrap_err();
        assert!(why.contains("not a histogram of the service"), "{why}");
    }

    #[test]
    fn a_rule_that_could_never_fire_is_refused() {
        let why = parse(&CHECKED_IN.replace("burn_rate = 14.4", "burn_rate = 144.0")).unwrap_err();
        assert!(why.contains("could never fire"), "{why}");
    }

    #[test]
    fn a_short_window_that_is_not_shorter_is_refused() {
        let why = parse(&CHECKED_IN.replace("short = \"5m\"", "short = \"1h\"")).unwrap_err();
        assert!(why.contains("not longer"), "{why}");
    }

    #[test]
    fn a_misspelt_field_is_refused_by_name() {
        let why = parse(&CHECKED_IN.replace("min_errors = 10", "min_error = 10")).unwrap_err();
        assert!(why.contains("min_error"), "{why}");
    }

    #[test]
    fn a_duration_without_a_unit_is_refused() {
        for wrong in ["5", "m", "0m", "5w", "1h30m", ""] {
            assert!(Window::try_from(wrong.to_owned()).is_err(), "{wrong}");
        }
        let window = Window::try_from("3d".to_owned()).unwrap();
        assert_eq!(
            (window.seconds(), window.in_words().as_str()),
            (259_200, "3 days")
        );
    }
}
