//! Roster's dashboards: panels and their queries; objectives and windows come from `slos.toml`. Queries use only series
//! of Roster and its rules, so that each can be tested without a cluster. Must not know Grafana's JSON: that is
//! `grafana.rs`.

mod database;
mod promises;
mod rollouts;
mod service;

use serde_json::Value;

use super::Promises;
use super::grafana::{Panel, Query, Row, Shape, dashboard};

/// One dashboard.
pub(crate) struct Dashboard {
    /// The id in links and the file's name.
    pub(crate) uid: &'static str,
    /// Its JSON for Grafana.
    pub(crate) json: Value,
}

const TITLES: [(&str, &str); 4] = [
    ("roster-service", "Roster: service"),
    ("roster-database", "Roster: database pool"),
    ("roster-slo", "Roster: promises and their budgets"),
    ("roster-rollouts", "Roster: roll-outs"),
];

/// Every dashboard.
pub(crate) fn all(made_from: &Promises) -> Vec<Dashboard> {
    let make = |index: usize, description: &str, rows: Vec<Row>| {
        let (uid, title) = TITLES[index];
        Dashboard {
            uid,
            json: dashboard(uid, title, description, &rows, &TITLES),
        }
    };
    vec![
        make(
            0,
            "Rate, errors and duration by route, and how near each limit is.",
            service::rows(),
        ),
        make(
            1,
            "The pool, the statements that go through it, and what goes wrong in it.",
            database::rows(),
        ),
        make(
            2,
            "What is promised, how much of each budget is left, and how fast it burns.",
            made_from
                .slos
                .iter()
                .map(|slo| promises::budget(made_from, slo))
                .chain([promises::alerts()])
                .collect(),
        ),
        make(
            3,
            "Which version runs where, since when, and how it does beside the one before.",
            rollouts::rows(),
        ),
    ]
}

/// In an expression, `@` stands for the matchers common to all queries.
fn query(expression: &str, legend: &'static str) -> Query {
    let matchers = "job=~\"$job\",namespace=~\"$namespace\"";
    Query {
        expression: expression.replace('@', matchers),
        legend,
    }
}

fn panel(
    title: &str,
    description: &str,
    unit: &'static str,
    shape: Shape,
    queries: Vec<Query>,
) -> Panel {
    let width = if shape == Shape::Number { 4 } else { 8 };
    Panel {
        title: title.to_owned(),
        description: description.to_owned(),
        unit,
        shape,
        width,
        queries,
        limit: None,
        low_is_bad: false,
    }
}

fn lines(title: &str, description: &str, unit: &'static str, queries: Vec<Query>) -> Panel {
    panel(title, description, unit, Shape::Lines, queries)
}

fn number(title: &str, description: &str, unit: &'static str, expression: &str) -> Panel {
    panel(
        title,
        description,
        unit,
        Shape::Number,
        vec![query(expression, "")],
    )
}

fn row(title: &str, panels: Vec<Panel>) -> Row {
    Row {
        title: title.to_owned(),
        panels,
    }
}

fn quantile(share: &str, by: &str, histogram: &str) -> String {
    format!(
        "histogram_quantile({share}, sum by ({by}le) (rate({histogram}_bucket{{@}}[$__rate_interval])))"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn promises() -> Promises {
        super::super::parse(include_str!("../../../../../prometheus/slos.toml")).unwrap()
    }

    #[test]
    fn limits_follow_the_objective() {
        let text = include_str!("../../../../../prometheus/slos.toml")
            .replace("objective_percent = 99.9", "objective_percent = 99.5");
        let changed = super::super::parse(&text).unwrap();
        let of = |promises: &Promises| all(promises)[2].json.to_string();
        assert!(of(&promises()).contains("/ 0.001"));
        assert!(of(&changed).contains("/ 0.005") && !of(&changed).contains("/ 0.001"));
    }

    #[test]
    fn no_shorthand_is_left_in_a_query() {
        for dashboard in all(&promises()) {
            assert!(
                !dashboard.json.to_string().contains('@'),
                "{}",
                dashboard.uid
            );
        }
    }
}
