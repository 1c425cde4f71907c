//! Rollouts: which version runs where, and the new version compared with the old.

use super::{lines, panel, query, row};
use crate::slo::grafana::{Row, Shape};

pub(super) fn rows() -> Vec<Row> {
    let of_version =
        "* on (namespace, pod, instance) group_left (version, revision) roster_build_info{@}";
    let by_version = |series: &str| {
        format!("sum by (version, revision) (rate({series}[$__rate_interval]) {of_version})")
    };
    let all = by_version("roster_http_requests_total{@}");
    let failed = by_version("roster_http_requests_total{@,code=~\"5..\"}");
    let p99 = format!(
        "histogram_quantile(0.99, sum by (version, revision, le) (rate(roster_http_request_duration_seconds_bucket{{@}}[$__rate_interval]) {of_version}))"
    );
    let version = "{{version}} {{revision}}";
    vec![
        row(
            "Versions",
            vec![
                panel(
                    "Replicas by version",
                    "How many replicas run which version.",
                    "none",
                    Shape::Stacked,
                    vec![query(
                        "count by (version, revision) (roster_build_info{@})",
                        version,
                    )],
                ),
                lines(
                    "Running for",
                    "Time since each replica started; a fall is a restart.",
                    "s",
                    vec![query(
                        "time() - process_start_time_seconds{@}",
                        "{{instance}}",
                    )],
                ),
                lines(
                    "Connections by replica",
                    "A replica that drains loses its connections to the others.",
                    "none",
                    vec![query("roster_http_connections{@}", "{{instance}}")],
                ),
            ],
        ),
        row(
            "The new beside the old",
            vec![
                panel(
                    "Requests by version",
                    "Requests a second.",
                    "reqps",
                    Shape::Stacked,
                    vec![query(&all, version)],
                ),
                lines(
                    "Failing by version",
                    "Share of requests answered with 5xx.",
                    "percentunit",
                    vec![query(&format!("{failed} / {all}"), version)],
                ),
                lines(
                    "p99 by version",
                    "99 of 100 requests are quicker.",
                    "s",
                    vec![query(&p99, version)],
                ),
            ],
        ),
    ]
}
