//! The service: rate, errors and duration by route, and how near each limit is.

use super::{lines, number, panel, quantile, query, row};
use crate::slo::grafana::{Panel, Row, Shape};

const ALL: &str = "sum(rate(roster_http_requests_total{@}[$__rate_interval]))";
const FAILED: &str = "sum(rate(roster_http_requests_total{@,code=~\"5..\"}[$__rate_interval]))";

pub(super) fn rows() -> Vec<Row> {
    vec![
        now(),
        rate(),
        errors(),
        durations(),
        provisioning(),
        saturation(),
    ]
}

fn now() -> Row {
    let duration = |share, by| quantile(share, by, "roster_http_request_duration_seconds");
    row(
        "Now",
        vec![
            number("Requests", "Requests a second, all replicas.", "reqps", ALL),
            number(
                "Failing",
                "Share of requests answered with 5xx.",
                "percentunit",
                &format!("({FAILED} or vector(0)) / {ALL}"),
            ),
            number(
                "p99",
                "99 of 100 requests are quicker.",
                "s",
                &duration("0.99", ""),
            ),
            number(
                "Replicas",
                "Replicas that report.",
                "none",
                "count(roster_build_info{@})",
            ),
            number(
                "In flight",
                "Requests being answered now.",
                "none",
                "sum(roster_http_requests_in_flight{@})",
            ),
            number(
                "Feed lag",
                "Age of the oldest change not yet announced.",
                "s",
                "max(roster_change_feed_lag_seconds{@})",
            ),
        ],
    )
}

fn rate() -> Row {
    row(
        "Rate",
        vec![
            panel(
                "Requests by route",
                "Requests a second.",
                "reqps",
                Shape::Stacked,
                vec![query(
                    "sum by (route) (rate(roster_http_requests_total{@}[$__rate_interval]))",
                    "{{route}}",
                )],
            ),
            panel(
                "Requests by status",
                "Requests a second.",
                "reqps",
                Shape::Stacked,
                vec![query(
                    "sum by (code) (rate(roster_http_requests_total{@}[$__rate_interval]))",
                    "{{code}}",
                )],
            ),
            panel(
                "Requests by method",
                "Requests a second.",
                "reqps",
                Shape::Stacked,
                vec![query(
                    "sum by (method) (rate(roster_http_requests_total{@}[$__rate_interval]))",
                    "{{method}}",
                )],
            ),
        ],
    )
}

fn errors() -> Row {
    row(
        "Errors",
        vec![
            lines(
                "Failing by route",
                "Share of a route's requests answered with 5xx.",
                "percentunit",
                vec![query(
                    "sum by (route) (rate(roster_http_requests_total{@,code=~\"5..\"}[$__rate_interval])) / sum by (route) (rate(roster_http_requests_total{@}[$__rate_interval]))",
                    "{{route}}",
                )],
            ),
            lines(
                "Refused",
                "Requests a second that were the client's fault (4xx).",
                "reqps",
                vec![query(
                    "sum by (code) (rate(roster_http_requests_total{@,code=~\"4..\"}[$__rate_interval]))",
                    "{{code}}",
                )],
            ),
            lines(
                "Turned away",
                "Requests a second: shed because too many are in flight, or over a client's rate.",
                "reqps",
                vec![
                    query(
                        "sum(rate(roster_http_requests_shed_total{@}[$__rate_interval]))",
                        "shed",
                    ),
                    query(
                        "sum(rate(roster_http_requests_rate_limited_total{@}[$__rate_interval]))",
                        "rate limited",
                    ),
                ],
            ),
        ],
    )
}

fn durations() -> Row {
    let duration = |share, by| quantile(share, by, "roster_http_request_duration_seconds");
    row(
        "Duration",
        vec![
            lines(
                "Duration",
                "Of all requests.",
                "s",
                vec![
                    query(&duration("0.5", ""), "p50"),
                    query(&duration("0.99", ""), "p99"),
                    query(&duration("0.999", ""), "p99.9"),
                ],
            ),
            lines(
                "p99 by route",
                "99 of 100 requests of the route are quicker.",
                "s",
                vec![query(&duration("0.99", "route, "), "{{route}}")],
            ),
            lines(
                "p99 by method",
                "99 of 100 requests with the method are quicker.",
                "s",
                vec![query(&duration("0.99", "method, "), "{{method}}")],
            ),
        ],
    )
}

fn provisioning() -> Row {
    let of_scim = |by: &str, more: &str| {
        format!(
            "sum by ({by}) (rate(roster_http_requests_total{{@,route=~\"/scim/v2/.*\"{more}}}[$__rate_interval]))"
        )
    };
    row(
        "Provisioning",
        vec![
            panel(
                "SCIM requests",
                "Requests of identity providers a second.",
                "reqps",
                Shape::Stacked,
                vec![query(&of_scim("method", ""), "{{method}}")],
            ),
            lines(
                "SCIM refused and failed",
                "Requests of identity providers a second that were answered with 4xx or 5xx.",
                "reqps",
                vec![query(&of_scim("code", ",code=~\"4..|5..\""), "{{code}}")],
            ),
            lines(
                "SCIM p99",
                "99 of 100 requests of identity providers are quicker.",
                "s",
                vec![query(
                    "histogram_quantile(0.99, sum by (le, method) (rate(roster_http_request_duration_seconds_bucket{@,route=~\"/scim/v2/.*\"}[$__rate_interval])))",
                    "{{method}}",
                )],
            ),
        ],
    )
}

fn saturation() -> Row {
    row(
        "Saturation",
        of_the_process()
            .into_iter()
            .chain(of_the_service())
            .collect(),
    )
}

fn of_the_process() -> Vec<Panel> {
    vec![
        lines(
            "CPU",
            "Cores that each replica uses.",
            "none",
            vec![query(
                "rate(process_cpu_seconds_total{@}[$__rate_interval])",
                "{{instance}}",
            )],
        ),
        lines(
            "Memory",
            "Resident memory of each replica.",
            "bytes",
            vec![query("process_resident_memory_bytes{@}", "{{instance}}")],
        ),
        lines(
            "Connections and requests in flight",
            "Of all replicas.",
            "none",
            vec![
                query("sum(roster_http_connections{@})", "connections"),
                query(
                    "sum(roster_http_requests_in_flight{@})",
                    "requests in flight",
                ),
            ],
        ),
        lines(
            "Open files",
            "Share of the process's limit.",
            "percentunit",
            vec![query(
                "process_open_fds{@} / process_max_fds{@}",
                "{{instance}}",
            )],
        ),
    ]
}

fn of_the_service() -> Vec<Panel> {
    vec![
        lines(
            "Token cache",
            "Bearer tokens a second: verified before (hit) or now (miss).",
            "ops",
            vec![query(
                "sum by (result) (rate(roster_token_cache_requests_total{@}[$__rate_interval]))",
                "{{result}}",
            )],
        ),
        lines(
            "Lost and failed",
            "Log lines lost, and fetches of the OIDC issuer's keys that failed, a second.",
            "none",
            vec![
                query(
                    "sum(rate(roster_log_lines_lost_total{@}[$__rate_interval])) or vector(0)",
                    "log lines",
                ),
                query(
                    "sum(rate(roster_oidc_fetches_total{@,result=\"failure\"}[$__rate_interval]))",
                    "OIDC fetches",
                ),
            ],
        ),
        lines(
            "Change feed",
            "Age of the oldest change that a replica has not yet announced.",
            "s",
            vec![query("roster_change_feed_lag_seconds{@}", "{{instance}}")],
        ),
        lines(
            "Request bodies",
            "99 of 100 bodies are smaller.",
            "bytes",
            vec![query(
                &quantile("0.99", "", "roster_http_request_body_bytes"),
                "p99",
            )],
        ),
        lines(
            "Response bodies",
            "99 of 100 bodies are smaller.",
            "bytes",
            vec![query(
                &quantile("0.99", "", "roster_http_response_body_bytes"),
                "p99",
            )],
        ),
    ]
}
