//! The plans of the statements that were run, as logged by PostgreSQL's `auto_explain`.

use std::collections::BTreeSet;

use anyhow::Result;
use serde::Deserialize;
use serde_json::Value;

use super::database::BenchPostgres;

/// Makes the server log JSON; plans are logged only after `log_from_now_on` is called.
pub(super) const SETTINGS: &[(&str, &str)] = &[
    ("session_preload_libraries", "auto_explain"),
    ("logging_collector", "on"),
    ("log_destination", "jsonlog"),
];

/// The plan of one statement that was run.
pub(super) struct Plan {
    pub(super) query: String,
    plan: Value,
}

#[derive(Deserialize)]
struct LogLine {
    #[serde(default)]
    message: String,
}

/// From now on every statement's plan is logged.
pub(super) fn log_from_now_on(postgres: &BenchPostgres, url: &str) -> Result<()> {
    postgres.execute(
        url,
        &[
            "ALTER SYSTEM SET auto_explain.log_format = 'json'",
            "ALTER SYSTEM SET auto_explain.log_min_duration = 0",
            "SELECT pg_reload_conf()",
            "SELECT pg_sleep(1)",
        ],
    )
}

/// From now on no plan is logged.
pub(super) fn log_no_more(postgres: &BenchPostgres, url: &str) -> Result<()> {
    postgres.execute(
        url,
        &[
            "ALTER SYSTEM RESET auto_explain.log_min_duration",
            "SELECT pg_reload_conf()",
        ],
    )
}

/// The plans that were logged of statements on the users.
pub(super) fn logged(postgres: &BenchPostgres, url: &str) -> Result<Vec<Plan>> {
    // The log collector writes with a delay.
    postgres.execute(url, &["SELECT pg_sleep(1)"])?;
    let log = postgres.texts(url, "SELECT pg_read_file(pg_current_logfile('jsonlog'))")?;
    Ok(parse(&log.concat()))
}

fn parse(log: &str) -> Vec<Plan> {
    let lines = log
        .lines()
        .filter_map(|line| serde_json::from_str::<LogLine>(line).ok());
    lines
        .filter_map(|line| {
            let (_, json) = line.message.split_once("plan:")?;
            let explained: Value = serde_json::from_str(json).ok()?;
            let query = explained.get("Query Text")?.as_str()?.to_owned();
            let is_a_list = query.contains("FROM users") && query.contains("ORDER BY");
            Some(Plan {
                query,
                plan: explained.get("Plan")?.clone(),
            })
            .filter(|_| is_a_list)
        })
        .collect()
}

impl Plan {
    /// Whether a node scans the whole table of users.
    pub(super) fn reads_whole_table(&self) -> bool {
        nodes(&self.plan)
            .iter()
            .any(|node| text(node, "Node Type").contains("Seq Scan"))
    }
}

/// Which scans were used, each once.
pub(super) fn scans(plans: &[Plan]) -> Vec<String> {
    let mut scans = BTreeSet::new();
    for node in plans.iter().flat_map(|plan| nodes(&plan.plan)) {
        let (kind, index) = (text(node, "Node Type"), text(node, "Index Name"));
        if kind.contains("Scan") && !index.is_empty() {
            scans.insert(format!("{kind} by `{index}`"));
        }
    }
    scans.into_iter().collect()
}

fn nodes(plan: &Value) -> Vec<&Value> {
    let mut found = vec![plan];
    let mut next = 0;
    while let Some(node) = found.get(next) {
        next += 1;
        if let Some(children) = node.get("Plans").and_then(Value::as_array) {
            found.extend(children);
        }
    }
    found
}

fn text<'a>(node: &'a Value, field: &str) -> &'a str {
    node.get(field).and_then(Value::as_str).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{parse, scans};

    fn line(node: &str) -> String {
        let plan = format!(
            r#"{{"Query Text":"SELECT id FROM users ORDER BY name_key","Plan":{{"Node Type":"Limit","Plans":[{node}]}}}}"#
        );
        let message = format!("duration: 0.1 ms  plan:\n{plan}");
        format!("{{\"message\":{}}}\n", serde_json::Value::from(message))
    }

    #[test]
    fn a_sequential_scan_is_found_below_other_nodes() {
        let plans = parse(&line(
            r#"{"Node Type":"Sort","Plans":[{"Node Type":"Seq Scan"}]}"#,
        ));
        assert!(plans[0].reads_whole_table());
        let plans = parse(&line(
            r#"{"Node Type":"Index Scan","Index Name":"users_name"}"#,
        ));
        assert!(!plans[0].reads_whole_table());
        assert_eq!(scans(&plans), ["Index Scan by `users_name`"]);
    }

    #[test]
    fn what_is_no_list_is_left_out() {
        assert!(parse("{\"message\":\"checkpoint starting\"}\nno json\n").is_empty());
    }
}
