//! The objectives: the remaining budget, the burn rate, and alerts.

use super::{lines, number, panel, query, row};
use crate::slo::grafana::{Query, Row, Shape};
use crate::slo::{Promises, Slo};

/// The row of one objective; every limit in it is computed.
#[allow(clippy::too_many_lines, reason = "one panel after the other")]
pub(super) fn budget(promises: &Promises, slo: &Slo) -> Row {
    let matchers = format!(
        "{{slo=\"{}\",job=~\"$job\",namespace=~\"$namespace\"}}",
        slo.name
    );
    let period = format!("{}d", promises.service.period_days);
    let remaining =
        format!("namespace_job_slo:roster_error_budget_remaining:ratio{period}{matchers}");
    let kept = format!("1 - namespace_job_slo:roster_error_ratio:rate{period}{matchers}");
    let burn = |window: &str| {
        format!(
            "namespace_job_slo:roster_error_ratio:rate{window}{matchers} / {}",
            slo.budget()
        )
    };
    let mut left = number(
        "Budget left",
        &format!("Share of the {period} budget that is not spent."),
        "percentunit",
        &remaining,
    );
    (left.limit, left.low_is_bad) = (Some(0.25), true);
    let mut share = number(
        "Kept",
        &format!(
            "Share of good {} in {period}; promised are {} %.",
            slo.event, slo.objective_percent
        ),
        "percentunit",
        &kept,
    );
    (share.limit, share.low_is_bad) = (Some(slo.objective_percent / 100.0), true);
    let windows = promises
        .windows
        .iter()
        .map(|pair| (pair.long.to_string(), pair.burn_rate));
    let fastest = promises
        .windows
        .iter()
        .map(|pair| pair.burn_rate)
        .fold(0.0, f64::max);
    let mut rates = lines(
        "Burn rate",
        &format!(
            "1 spends the budget in exactly {period}; from {fastest} on somebody is paged within minutes."
        ),
        "none",
        Vec::new(),
    );
    rates.queries = [("5m".to_owned(), 0.0)]
        .into_iter()
        .chain(windows)
        .map(|(window, _)| Query {
            expression: burn(&window),
            legend: window_legend(&window),
        })
        .collect();
    rates.limit = Some(fastest);
    let mut course = lines(
        "Budget left over time",
        "Falls while it burns; rises as bad hours leave the period.",
        "percentunit",
        vec![Query {
            expression: remaining,
            legend: "left",
        }],
    );
    (course.limit, course.low_is_bad) = (Some(0.25), true);
    Row {
        title: format!(
            "{}: {} % {}",
            slo.title(),
            slo.objective_percent,
            slo.promise
        ),
        panels: vec![left, share, rates, course],
    }
}

/// Legends are templates in Grafana; those of windows are plain text.
fn window_legend(window: &str) -> &'static str {
    match window {
        "5m" => "5m",
        "1h" => "1h",
        "6h" => "6h",
        "1d" => "1d",
        _ => "longest",
    }
}

pub(super) fn alerts() -> Row {
    row(
        "Alerts",
        vec![
            panel(
                "Alerts",
                "Alerts of Roster that fire or are about to.",
                "none",
                Shape::Stacked,
                vec![
                    query(
                        "count(ALERTS{alertname=~\"Roster.*\",alertstate=\"firing\",job=~\"$job\"}) or vector(0)",
                        "firing",
                    ),
                    query(
                        "count(ALERTS{alertname=~\"Roster.*\",alertstate=\"pending\",job=~\"$job\"}) or vector(0)",
                        "pending",
                    ),
                ],
            ),
            lines(
                "Events",
                "What the promises count, a second.",
                "none",
                vec![query(
                    "namespace_job_slo:roster_events:rate5m{job=~\"$job\",namespace=~\"$namespace\"}",
                    "{{slo}}",
                )],
            ),
            lines(
                "Bad events",
                "What burns the budgets, a second.",
                "none",
                vec![query(
                    "namespace_job_slo:roster_errors:rate5m{job=~\"$job\",namespace=~\"$namespace\"}",
                    "{{slo}}",
                )],
            ),
        ],
    )
}
