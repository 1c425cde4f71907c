//! The database pool: connections, statements, batches, errors.

use super::{lines, panel, quantile, query, row};
use crate::slo::grafana::{Row, Shape};

pub(super) fn rows() -> Vec<Row> {
    vec![pool(), statements(), batches_and_errors()]
}

fn pool() -> Row {
    row(
        "Pool",
        vec![
            panel(
                "Connections",
                "Open connections of all replicas, and the most there may be.",
                "none",
                Shape::Lines,
                vec![
                    query(
                        "sum by (state) (roster_database_pool_connections{@})",
                        "{{state}}",
                    ),
                    query("sum(roster_database_pool_connections_max{@})", "limit"),
                ],
            ),
            lines(
                "Waiting for a connection",
                "Requests that wait now.",
                "none",
                vec![query(
                    "sum by (instance) (roster_database_pool_waiting{@})",
                    "{{instance}}",
                )],
            ),
            lines(
                "Wait for a connection",
                "Time until a connection is had.",
                "s",
                vec![
                    query(
                        &quantile("0.5", "", "roster_database_pool_wait_seconds"),
                        "p50",
                    ),
                    query(
                        &quantile("0.99", "", "roster_database_pool_wait_seconds"),
                        "p99",
                    ),
                ],
            ),
        ],
    )
}

fn statements() -> Row {
    row(
        "Statements",
        vec![
            panel(
                "Statements",
                "Statements a second.",
                "ops",
                Shape::Stacked,
                vec![query(
                    "sum by (statement) (rate(roster_database_query_duration_seconds_count{@}[$__rate_interval]))",
                    "{{statement}}",
                )],
            ),
            lines(
                "p99 by statement",
                "99 of 100 are quicker.",
                "s",
                vec![query(
                    &quantile(
                        "0.99",
                        "statement, ",
                        "roster_database_query_duration_seconds",
                    ),
                    "{{statement}}",
                )],
            ),
            lines(
                "Time in the database",
                "Seconds a second that are spent waiting for answers.",
                "none",
                vec![query(
                    "sum by (statement) (rate(roster_database_query_duration_seconds_sum{@}[$__rate_interval]))",
                    "{{statement}}",
                )],
            ),
        ],
    )
}

fn batches_and_errors() -> Row {
    row(
        "Batches and errors",
        vec![
            lines(
                "Batch size",
                "Requests that one round trip serves, on average.",
                "none",
                vec![query(
                    "sum by (lane) (rate(roster_database_batch_size_sum{@}[$__rate_interval])) / (sum by (lane) (rate(roster_database_batch_size_count{@}[$__rate_interval])) > 0)",
                    "{{lane}}",
                )],
            ),
            lines(
                "Batches",
                "Round trips a second.",
                "ops",
                vec![query(
                    "sum by (lane) (rate(roster_database_batch_size_count{@}[$__rate_interval]))",
                    "{{lane}}",
                )],
            ),
            lines(
                "Errors",
                "Failures a second, by kind.",
                "ops",
                vec![query(
                    "sum by (kind) (rate(roster_database_errors_total{@}[$__rate_interval]))",
                    "{{kind}}",
                )],
            ),
        ],
    )
}
