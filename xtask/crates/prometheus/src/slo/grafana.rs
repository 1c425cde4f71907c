//! Grafana's dashboard JSON: the part of the model that Roster's dashboards use. Must not know the content: that is
//! `dashboards.rs`.

use serde_json::{Value, json};

/// The width of Grafana's grid.
const COLUMNS: u32 = 24;

/// One line of a panel.
pub(super) struct Query {
    pub(super) expression: String,
    pub(super) legend: &'static str,
}

/// The kind of panel.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// The last value as a large number.
    Number,
    /// Lines over time.
    Lines,
    /// Stacked lines over time.
    Stacked,
}

/// One panel before it has a place.
pub(super) struct Panel {
    pub(super) title: String,
    pub(super) description: String,
    pub(super) unit: &'static str,
    pub(super) shape: Shape,
    pub(super) width: u32,
    pub(super) queries: Vec<Query>,
    /// Red from this value on, green below; the reverse if `low_is_bad`.
    pub(super) limit: Option<f64>,
    pub(super) low_is_bad: bool,
}

/// A titled group of panels, laid out from left to right.
pub(super) struct Row {
    pub(super) title: String,
    pub(super) panels: Vec<Panel>,
}

/// A whole dashboard.
pub(super) fn dashboard(
    uid: &str,
    title: &str,
    description: &str,
    rows: &[Row],
    dashboards: &[(&str, &str)],
) -> Value {
    json!({
        "uid": uid,
        "title": title,
        "description": description,
        "tags": ["roster", "generated"],
        "editable": false,
        "graphTooltip": 1,
        "refresh": "30s",
        "schemaVersion": 39,
        "timezone": "utc",
        "time": {"from": "now-6h", "to": "now"},
        "templating": {"list": variables()},
        "annotations": {"list": annotations()},
        "links": links(uid, dashboards),
        "panels": placed(rows),
    })
}

fn variables() -> Value {
    json!([
        {"name": "datasource", "label": "Prometheus", "type": "datasource", "query": "prometheus"},
        {
            "name": "namespace", "label": "Namespace", "type": "query", "datasource": data_source(),
            "query": "label_values(roster_build_info, namespace)",
            // A Prometheus outside of Kubernetes sets no namespace: `.*` also matches its absence.
            "includeAll": true, "allValue": ".*", "multi": true, "refresh": 2,
            "current": {"text": "All", "value": "$__all"},
        },
        {
            "name": "job", "label": "Release", "type": "query", "datasource": data_source(),
            "query": "label_values(roster_build_info{namespace=~\"$namespace\"}, job)",
            "includeAll": true, "allValue": ".+", "multi": true, "refresh": 2,
            "current": {"text": "All", "value": "$__all"},
        },
    ])
}

/// Annotations across all panels: a version that did not exist five minutes ago, and alerts.
fn annotations() -> Value {
    let mark = |name: &str, color: &str, expression: &str, title: &str| {
        json!({
            "name": name, "datasource": data_source(), "enable": true, "iconColor": color,
            "expr": expression, "step": "60s", "titleFormat": title,
        })
    };
    let versions =
        "count by (version, revision) (roster_build_info{job=~\"$job\",namespace=~\"$namespace\"}";
    json!([
        mark(
            "Roll-outs",
            "blue",
            &format!("{versions}) unless {versions} offset 5m)"),
            "{{version}} ({{revision}})"
        ),
        mark(
            "Alerts",
            "red",
            "ALERTS{alertname=~\"Roster.*\",alertstate=\"firing\",job=~\"$job\"}",
            "{{alertname}}"
        ),
    ])
}

fn links(uid: &str, dashboards: &[(&str, &str)]) -> Value {
    dashboards
        .iter()
        .filter(|(other, _)| *other != uid)
        .map(|(other, title)| {
            json!({"title": title, "type": "link", "url": format!("/d/{other}"), "keepTime": true, "includeVars": true})
        })
        .collect()
}

fn data_source() -> Value {
    json!({"type": "prometheus", "uid": "${datasource}"})
}

fn placed(rows: &[Row]) -> Vec<Value> {
    let mut panels = Vec::new();
    let mut top = 0;
    for row in rows {
        let at = json!({"x": 0, "y": top, "w": COLUMNS, "h": 1});
        let id = panels.len() + 1;
        panels.push(json!({"id": id, "type": "row", "title": row.title, "collapsed": false, "gridPos": at, "panels": []}));
        top += 1;
        let (mut left, mut height) = (0, 0);
        for panel in &row.panels {
            if left + panel.width > COLUMNS {
                top += height;
                (left, height) = (0, 0);
            }
            let tall = if panel.shape == Shape::Number { 4 } else { 8 };
            let at = json!({"x": left, "y": top, "w": panel.width, "h": tall});
            let id = panels.len() + 1;
            panels.push(panel_json(panel, id, &at));
            left += panel.width;
            height = height.max(tall);
        }
        top += height;
    }
    panels
}

fn panel_json(panel: &Panel, id: usize, at: &Value) -> Value {
    let targets: Vec<Value> = panel
        .queries
        .iter()
        .zip('A'..='Z')
        .map(|(query, letter)| {
            json!({
                "refId": letter, "datasource": data_source(), "expr": query.expression,
                "legendFormat": query.legend, "range": true, "editorMode": "code",
            })
        })
        .collect();
    let is_number = panel.shape == Shape::Number;
    let options = if is_number {
        json!({"reduceOptions": {"calcs": ["lastNotNull"]}, "colorMode": "value", "graphMode": "area"})
    } else {
        json!({"legend": {"displayMode": "list", "placement": "bottom"}, "tooltip": {"mode": "multi", "sort": "desc"}})
    };
    json!({
        "id": id,
        "type": if is_number { "stat" } else { "timeseries" },
        "title": panel.title,
        "description": panel.description,
        "datasource": data_source(),
        "gridPos": at,
        "targets": targets,
        "fieldConfig": {"defaults": defaults(panel), "overrides": []},
        "options": options,
    })
}

fn defaults(panel: &Panel) -> Value {
    let mut defaults = json!({"unit": panel.unit});
    if panel.shape != Shape::Number {
        let stacking = if panel.shape == Shape::Stacked {
            "normal"
        } else {
            "none"
        };
        let shown = if panel.limit.is_some() { "line" } else { "off" };
        defaults["min"] = json!(0);
        defaults["custom"] = json!({
            "drawStyle": "line", "lineWidth": 1, "fillOpacity": if stacking == "normal" { 30 } else { 5 },
            "stacking": {"mode": stacking}, "thresholdsStyle": {"mode": shown},
        });
    }
    if let Some(limit) = panel.limit {
        let (below, above) = if panel.low_is_bad {
            ("red", "green")
        } else {
            ("green", "red")
        };
        // Grafana's first step has no value: it starts at minus infinity.
        defaults["thresholds"] = json!({"mode": "absolute", "steps": [{"color": below, "value": null}, {"color": above, "value": limit}]});
    }
    defaults
}
