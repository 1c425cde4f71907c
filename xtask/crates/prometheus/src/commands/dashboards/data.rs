//! Prometheus' results for the queries of a dashboard. Must not draw.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::Result;
use serde_json::Value;

use crate::prometheus_servers::Server;

/// One line of a panel.
#[derive(Debug)]
pub(super) struct Series {
    /// Its legend.
    pub(super) legend: String,
    /// Unix time and value; non-finite values are omitted.
    pub(super) points: Vec<(f64, f64)>,
}

/// The lines of each panel, by its id, and the annotations.
pub(super) struct Data {
    pub(super) from: f64,
    pub(super) to: f64,
    pub(super) panels: BTreeMap<u64, Vec<Series>>,
    pub(super) markers: Vec<Marker>,
}

/// An annotation: a rollout, or an alert that started to fire.
pub(super) struct Marker {
    pub(super) time: f64,
    pub(super) colour: String,
}

/// How many queries a dashboard has.
pub(super) fn count_queries(dashboard: &Value) -> usize {
    let panels = dashboard["panels"].as_array().into_iter().flatten();
    panels
        .map(|panel| panel["targets"].as_array().map_or(0, Vec::len))
        .sum()
}

/// Runs every query over the last `age`; those without a result are added to `empty`.
pub(super) fn ask(
    prometheus: &Server,
    dashboard: &Value,
    age: Duration,
    empty: &mut Vec<String>,
) -> Result<Data> {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs_f64();
    let mut data = Data {
        from: now - age.as_secs_f64(),
        to: now,
        panels: BTreeMap::new(),
        markers: Vec::new(),
    };
    for panel in dashboard["panels"].as_array().into_iter().flatten() {
        let mut lines = Vec::new();
        for target in panel["targets"].as_array().into_iter().flatten() {
            let found = range(prometheus, target, "expr", "legendFormat", &data)?;
            if found.iter().all(|series| series.points.is_empty()) {
                empty.push(format!(
                    "{}: {}: {}",
                    dashboard["uid"], panel["title"], target["expr"]
                ));
            }
            lines.extend(found);
        }
        data.panels
            .insert(panel["id"].as_u64().unwrap_or_default(), lines);
    }
    for annotation in dashboard["annotations"]["list"]
        .as_array()
        .into_iter()
        .flatten()
    {
        let found = range(prometheus, annotation, "expr", "titleFormat", &data)?;
        if found.is_empty() && annotation["name"] == "Roll-outs" {
            empty.push(format!(
                "{}: marker {}: {}",
                dashboard["uid"], annotation["name"], annotation["expr"]
            ));
        }
        let colour = annotation["iconColor"].as_str().unwrap_or("gray");
        data.markers.extend(found.into_iter().filter_map(|series| {
            Some(Marker {
                time: series.points.first()?.0,
                colour: colour.to_owned(),
            })
        }));
    }
    Ok(data)
}

fn range(
    prometheus: &Server,
    target: &Value,
    expression: &str,
    legend: &str,
    data: &Data,
) -> Result<Vec<Series>> {
    let query = target[expression]
        .as_str()
        .unwrap_or_default()
        .replace("$__rate_interval", "30s")
        .replace("$namespace", ".*")
        .replace("$job", ".+");
    let step = ((data.to - data.from) / 120.0).max(1.0);
    let (from, to, step) = (data.from.to_string(), data.to.to_string(), step.to_string());
    let parameters = [
        ("query", query.as_str()),
        ("start", &from),
        ("end", &to),
        ("step", &step),
    ];
    let answer = prometheus.ask("/api/v1/query_range", &parameters)?;
    let found = answer["data"]["result"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    let format = target[legend].as_str().unwrap_or_default();
    Ok(found
        .iter()
        .map(|series| Series {
            legend: filled(format, &series["metric"]),
            points: points(series),
        })
        .collect())
}

fn points(series: &Value) -> Vec<(f64, f64)> {
    let values = series["values"].as_array().into_iter().flatten();
    values
        .filter_map(|pair| Some((pair[0].as_f64()?, pair[1].as_str()?.parse::<f64>().ok()?)))
        .filter(|(_, value)| value.is_finite())
        .collect()
}

/// `{{label}}` becomes the label's value.
fn filled(format: &str, labels: &Value) -> String {
    let mut text = format.to_owned();
    for (name, value) in labels.as_object().into_iter().flatten() {
        text = text.replace(
            &format!("{{{{{name}}}}}"),
            value.as_str().unwrap_or_default(),
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_legend_is_filled_with_the_labels_of_its_series() {
        assert_eq!(
            filled(
                "{{version}} ({{revision}})",
                &json!({"version": "1", "revision": "a"})
            ),
            "1 (a)"
        );
    }

    #[test]
    fn what_is_not_finite_is_no_point() {
        let series = json!({"values": [[1, "2.5"], [2, "NaN"], [3, "+Inf"]]});
        assert_eq!(points(&series), [(1.0, 2.5)]);
    }
}
