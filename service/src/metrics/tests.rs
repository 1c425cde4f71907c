//! What a scrape contains, that it stays bounded, and that promtool accepts it.

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use super::*;

const ROUTES: &[&str] = &["/v1/users", "/v1/users/{id}", "unmatched"];
const BUILD: BuildInfo = BuildInfo {
    version: "1.2.3",
    revision: "0123abc",
};

fn metrics() -> Arc<Metrics> {
    Metrics::new(ROUTES, BUILD).expect("the metrics are well-formed")
}

fn scrape(metrics: &Metrics) -> String {
    String::from_utf8(metrics.encode().expect("encodes")).expect("UTF-8")
}

fn finish(metrics: &Metrics, route: usize, method: &str, status: u16) {
    let method = MethodLabel::from_name(method);
    metrics.http_finished(route, method, status, Duration::from_micros(700), 10, 2_000);
}

fn assert_has(text: &str, line: &str) {
    assert!(text.lines().any(|l| l == line), "no line {line} in\n{text}");
}

#[test]
fn a_request_is_counted_by_method_route_and_code() {
    let metrics = metrics();
    finish(&metrics, 1, "GET", 200);
    finish(&metrics, 1, "GET", 200);
    finish(&metrics, 1, "GET", 404);
    let text = scrape(&metrics);
    for line in [
        r#"roster_http_requests_total{code="200",method="GET",route="/v1/users/{id}"} 2"#,
        r#"roster_http_requests_total{code="404",method="GET",route="/v1/users/{id}"} 1"#,
        r#"roster_http_request_duration_seconds_bucket{method="GET",route="/v1/users/{id}",le="0.0005"} 0"#,
        r#"roster_http_request_duration_seconds_bucket{method="GET",route="/v1/users/{id}",le="0.001"} 3"#,
        r#"roster_http_request_body_bytes_sum{route="/v1/users/{id}"} 30"#,
        r#"roster_http_response_body_bytes_sum{route="/v1/users/{id}"} 6000"#,
        r#"roster_build_info{revision="0123abc",version="1.2.3"} 1"#,
    ] {
        assert_has(&text, line);
    }
}

#[test]
fn what_promises_are_measured_by_is_there_before_the_first_request() {
    let text = scrape(&metrics());
    for line in [
        r#"roster_http_requests_total{code="500",method="GET",route="/v1/users"} 0"#,
        r#"roster_http_request_duration_seconds_count{method="GET",route="/v1/users/{id}"} 0"#,
        "roster_change_feed_lag_seconds 0",
    ] {
        assert_has(&text, line);
    }
}

#[test]
fn server_errors_stand_at_zero_before_the_first_happens() {
    let metrics = metrics();
    finish(&metrics, 0, "POST", 201);
    let text = scrape(&metrics);
    for code in ["500", "503"] {
        assert_has(
            &text,
            &format!(
                r#"roster_http_requests_total{{code="{code}",method="POST",route="/v1/users"}} 0"#
            ),
        );
    }
}

#[test]
fn series_stay_bounded_whatever_clients_send() {
    let metrics = metrics();
    let codes = (100..=599).chain([0, 999, u16::MAX]);
    for status in codes {
        for method in ["GET", "QUERY", "get", "FROB", "", "PROPFIND"] {
            for route in [0, 1, 2, 3, usize::MAX] {
                finish(&metrics, route, method, status);
            }
        }
    }
    let before = scrape(&metrics);
    let requests = |text: &str| {
        text.lines()
            .filter(|line| line.starts_with("roster_http_requests_total"))
            .count()
    };
    // Three routes, GET, QUERY and other, the 22 codes and other.
    assert_eq!(requests(&before), 3 * 3 * 23);
    for n in 0..1_000_u16 {
        finish(&metrics, usize::from(n), &format!("METHOD{n}"), n);
    }
    assert_eq!(scrape(&metrics).lines().count(), before.lines().count());
}

#[test]
fn guards_count_what_is_open_now() {
    let metrics = metrics();
    let request = metrics.request_started();
    let connection = metrics.connection_opened();
    let text = scrape(&metrics);
    assert_has(&text, "roster_http_requests_in_flight 1");
    assert_has(&text, "roster_http_connections 1");
    drop((request, connection));
    let text = scrape(&metrics);
    assert_has(&text, "roster_http_requests_in_flight 0");
    assert_has(&text, "roster_http_connections 0");
}

#[test]
fn values_that_are_looked_at_are_fresh_at_every_scrape() {
    let metrics = metrics();
    let lost = Arc::new(std::sync::atomic::AtomicU64::new(0));
    let seen = Arc::clone(&lost);
    metrics.before_scrape(move |metrics| {
        let total = seen.load(std::sync::atomic::Ordering::Relaxed);
        metrics.set_log_lines_lost("file", total);
        metrics.set_pool(PoolState {
            in_use: 3,
            idle: 1,
            max: 16,
            waiting: 7,
        });
    });
    assert_has(
        &scrape(&metrics),
        r#"roster_log_lines_lost_total{sink="file"} 0"#,
    );
    lost.store(5, std::sync::atomic::Ordering::Relaxed);
    scrape(&metrics);
    let text = scrape(&metrics);
    assert_has(&text, r#"roster_log_lines_lost_total{sink="file"} 5"#);
    assert_has(
        &text,
        r#"roster_database_pool_connections{state="in_use"} 3"#,
    );
    assert_has(&text, "roster_database_pool_waiting 7");
}

#[test]
fn every_labelled_event_moves_its_own_series() {
    let metrics = metrics();
    metrics.database_failed(DatabaseErrorKind::StatementTimeout);
    metrics.batch_sent(Lane::Writes, 5);
    metrics.token_looked_up(true);
    metrics.oidc_fetched(false);
    metrics.statement("user_by_id").observe(0.000_2);
    let text = scrape(&metrics);
    for line in [
        r#"roster_database_errors_total{kind="statement_timeout"} 1"#,
        r#"roster_database_errors_total{kind="unreachable"} 0"#,
        r#"roster_database_batch_size_sum{lane="writes"} 5"#,
        r#"roster_token_cache_requests_total{result="hit"} 1"#,
        r#"roster_token_cache_requests_total{result="miss"} 0"#,
        r#"roster_oidc_fetches_total{result="failure"} 1"#,
        r#"roster_database_query_duration_seconds_count{statement="user_by_id"} 1"#,
    ] {
        assert_has(&text, line);
    }
}

#[test]
fn promtool_finds_the_metrics_clean() {
    let metrics = metrics();
    finish(&metrics, 0, "GET", 200);
    metrics.statement("user_by_id").observe(0.001);
    metrics.set_log_lines_lost("file", 1);
    let child = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let Ok(mut child) = child else {
        eprintln!(
            "not proven: `promtool check metrics` is clean (promtool is not installed; Debian: prometheus)"
        );
        return;
    };
    child
        .stdin
        .take()
        .expect("piped")
        .write_all(scrape(&metrics).as_bytes())
        .expect("promtool reads");
    let output = child.wait_with_output().expect("promtool ends");
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.trim().is_empty(), "{said}");
}

#[test]
fn every_metric_is_in_the_operators_table_and_the_table_has_no_other() {
    let metrics = metrics();
    finish(&metrics, 0, "GET", 200);
    metrics.statement("user_by_id").observe(0.001);
    metrics.set_log_lines_lost("file", 0);
    let text = scrape(&metrics);
    let of_line = |line: &str, prefix: &str| {
        let rest = line.strip_prefix(prefix)?;
        let name = rest.split([' ', '`']).next()?;
        name.starts_with("roster_").then(|| name.to_owned())
    };
    let mut made: Vec<_> = text
        .lines()
        .filter_map(|line| of_line(line, "# TYPE "))
        .collect();
    let table = include_str!("../../../docs/logs-and-metrics.md");
    let mut said: Vec<_> = table
        .lines()
        .filter_map(|line| of_line(line, "| `"))
        .collect();
    made.sort();
    said.sort();
    assert_eq!(made, said);
}
