//! Gate results, with recorded responses of the server.

use serde_json::json;

use super::{Condition, Issue, Issues, Report, WorstFile, conditions, measures, read_issues};
use crate::sonar::analysis::Analysis;
use xtask::failure::Failure;

pub(crate) fn report(gate: &str) -> Report {
    let condition = |metric: &str, status: &str, actual: &str| Condition {
        metric: metric.into(),
        status: status.into(),
        comparator: "LT".into(),
        threshold: "80".into(),
        actual: Some(actual.into()),
    };
    let issue = Issue {
        rule: "external_clippy:clippy::x".into(),
        severity: "LOW".into(),
        message: "use | less".into(),
        path: "service/src/a.rs".into(),
        line: Some(7),
        url: "http://s/i".into(),
    };
    Report {
        analysis: Analysis {
            project_key: "roster-develop".into(),
            branch: "develop".into(),
            task_id: "t".into(),
            analysis_id: "a".into(),
            dashboard_url: "http://s/dashboard?id=roster-develop".into(),
            revision: "0123456789abcdef".into(),
        },
        gate: gate.into(),
        conditions: vec![
            condition("new_coverage", gate, "61.2"),
            condition("coverage", "OK", "92.0"),
        ],
        measures: vec![("coverage".into(), "92.0".into())],
        worst_files: vec![WorstFile {
            path: "service/src/a.rs".into(),
            uncovered_lines: 9,
            coverage: None,
            url: "http://s/c".into(),
        }],
        new_issues: Issues {
            total: 1,
            first: vec![issue],
        },
        all_issues: Issues {
            total: 0,
            first: Vec::new(),
        },
    }
}

#[test]
fn a_gate_that_failed_lists_the_conditions_that_fell_short() {
    report("OK").judge().expect("passes");
    let failure = report("ERROR")
        .judge()
        .expect_err("fails")
        .downcast::<Failure>()
        .expect("a failure");
    assert_eq!(failure.why, "new_coverage is 61.2, which is less than 80");
}

#[test]
fn a_gate_that_judged_nothing_does_not_pass() {
    report("NONE").judge().expect_err("proves nothing");
}

#[test]
fn the_servers_answers_are_read() {
    let judged = json!({"projectStatus": {"status": "ERROR", "conditions": [
        {"status": "ERROR", "metricKey": "coverage", "comparator": "LT", "errorThreshold": "70", "actualValue": "12.5"}]}});
    assert_eq!(
        conditions(&judged)[0].sentence(),
        "coverage is 12.5, which is less than 70"
    );
    let measured = json!({"component": {"measures": [
        {"metric": "new_coverage", "period": {"value": "50.0"}}, {"metric": "ncloc", "value": "10"}, {"metric": "violations"}]}});
    let expected = [
        ("ncloc".to_owned(), "10".to_owned()),
        ("new_coverage".to_owned(), "50.0".to_owned()),
    ];
    assert_eq!(measures(&measured), expected);
    let found = json!({"paging": {"total": 3}, "issues": [
        {"key": "k", "rule": "r", "severity": "MAJOR", "message": "m", "component": "roster-develop:xtask/src/a.rs", "line": 3}]});
    let issues = read_issues(&found, "http://s", "roster-develop");
    assert_eq!(
        (issues.total, issues.first[0].path.as_str()),
        (3, "xtask/src/a.rs")
    );
}
