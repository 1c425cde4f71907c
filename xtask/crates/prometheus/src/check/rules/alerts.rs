//! What every alert must have: severity, a sentence with the value, links, a runbook with its four parts, and tests
//! with a silent and a firing time. Must not evaluate anything: promtool does.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::rule_files::{FOLDER, Rule, YamlFile};

/// The headings of every runbook, in this order.
const RUNBOOK_PARTS: [&str; 4] = [
    "## Meaning",
    "## Impact",
    "## First three checks",
    "## Resolved when",
];

/// Everything that is missing, one line each.
pub(crate) fn faults(rules: &[YamlFile], tests: &[YamlFile]) -> Vec<String> {
    let mut faults = Vec::new();
    let mut names = BTreeSet::new();
    for file in rules {
        for rule in file.rules().iter().filter(|rule| rule.is_alert()) {
            names.insert(rule.name().to_owned());
            let said = shape(rule).into_iter().chain(untested(rule, tests));
            faults.extend(
                said.map(|fault| format!("{}: {}: {fault}", file.path.display(), rule.full_name())),
            );
        }
    }
    for name in &names {
        faults.extend(runbook_faults(name));
    }
    faults.extend(orphans(&names));
    faults
}

fn shape(rule: &Rule<'_>) -> Vec<String> {
    let mut faults = Vec::new();
    let mut demand = |holds: bool, fault: &str| {
        if !holds {
            faults.push(fault.to_owned());
        }
    };
    demand(
        matches!(rule.label("severity"), Some("page" | "ticket")),
        "label severity must be page or ticket",
    );
    demand(
        rule.label("job").is_some(),
        "label job is missing: it and the namespace identify the release, for routes and inhibition",
    );
    demand(
        rule.value.get("for").is_some(),
        "`for` is missing: one bad evaluation must not page anybody",
    );
    let summary = rule.annotation("summary").unwrap_or_default();
    demand(
        summary.contains("{{ $value"),
        "annotation summary must be a sentence with {{ $value }}",
    );
    demand(
        summary.ends_with('.'),
        "annotation summary must be a sentence: it ends with a full stop",
    );
    let runbook = rule.annotation("runbook_url").unwrap_or_default();
    demand(
        runbook.starts_with("https://") && runbook.ends_with(&format!("/{}.md", rule.name())),
        "annotation runbook_url must point to the alert's own runbook",
    );
    let dashboard = rule
        .annotation("dashboard_url")
        .and_then(|url| url.rsplit('/').next())
        .unwrap_or_default();
    demand(
        Path::new(FOLDER)
            .join("dashboards")
            .join(format!("{dashboard}.json"))
            .is_file(),
        "annotation dashboard_url must end with the uid of a dashboard in prometheus/dashboards",
    );
    faults
}

/// Tests identify the rule by its name and by the labels that it sets.
fn untested(rule: &Rule<'_>, tests: &[YamlFile]) -> Vec<String> {
    let cases: Vec<&Value> = tests
        .iter()
        .flat_map(YamlFile::tests)
        .filter_map(|group| group["alert_rule_test"].as_array())
        .flatten()
        .filter(|case| case["alertname"] == rule.name())
        .collect();
    let fires = |case: &&Value| {
        let alerts = case["exp_alerts"].as_array();
        alerts.is_some_and(|alerts| alerts.iter().any(|alert| rule.sets_labels_of(alert)))
    };
    let silent = |case: &&Value| case["exp_alerts"].as_array().is_some_and(Vec::is_empty);
    let mut faults = Vec::new();
    if !cases.iter().any(fires) {
        faults.push("no test has a time at which it fires".to_owned());
    }
    if !cases.iter().any(silent) {
        faults.push("no test has a time at which it is silent".to_owned());
    }
    faults
}

fn runbook_faults(alert: &str) -> Vec<String> {
    let path = Path::new(FOLDER)
        .join("runbooks")
        .join(format!("{alert}.md"));
    let Ok(text) = fs::read_to_string(&path) else {
        return vec![format!("{}: there is no such runbook", path.display())];
    };
    let mut faults: Vec<String> = faults_of_runbook(alert, &text);
    for fault in &mut faults {
        *fault = format!("{}: {fault}", path.display());
    }
    faults
}

fn faults_of_runbook(alert: &str, text: &str) -> Vec<String> {
    let mut faults = Vec::new();
    if !text.starts_with(&format!("# {alert}\n")) {
        faults.push(format!("the first line must be `# {alert}`"));
    }
    let headings: Vec<&str> = text
        .lines()
        .filter(|line| line.starts_with("## "))
        .collect();
    if headings != RUNBOOK_PARTS {
        faults.push(format!(
            "its parts must be, in this order: {}",
            RUNBOOK_PARTS.join(", ")
        ));
    }
    let checks = text
        .split(RUNBOOK_PARTS[2])
        .nth(1)
        .and_then(|rest| rest.split("\n## ").next());
    let checks = checks.unwrap_or_default();
    let numbered = (1..=3).all(|number| checks.contains(&format!("\n{number}. ")));
    if !numbered || checks.contains("\n4. ") || checks.matches("```").count() < 6 {
        faults.push("`First three checks` must be three numbered checks, each with its command in a code block".to_owned());
    }
    for part in text.split("\n## ").skip(1) {
        if part.lines().skip(1).all(|line| line.trim().is_empty()) {
            faults.push(format!(
                "`{}` says nothing",
                part.lines().next().unwrap_or_default()
            ));
        }
    }
    faults
}

/// Runbooks of alerts that no longer exist.
fn orphans(names: &BTreeSet<String>) -> Vec<String> {
    let folder = Path::new(FOLDER).join("runbooks");
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| {
            let stem = path
                .file_stem()
                .and_then(|stem| stem.to_str())
                .unwrap_or_default();
            stem != "README" && !names.contains(stem)
        })
        .map(|path| format!("{}: no alert has this name", path.display()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn file(content: Value) -> YamlFile {
        YamlFile {
            path: "rules/x.yaml".into(),
            content,
        }
    }

    fn faults_of(change: impl FnOnce(&mut Value)) -> Vec<String> {
        let mut alert = json!({
            "alert": "RosterX", "expr": "up < 1", "for": "5m", "labels": {"severity": "page", "job": "roster"},
            "annotations": {"summary": "{{ $value }} is low.", "runbook_url": "https://r/RosterX.md", "dashboard_url": "https://d/none"},
        });
        change(&mut alert);
        let rules = file(json!({"groups": [{"rules": [alert]}]}));
        shape(&rules.rules()[0])
    }

    #[test]
    fn a_well_formed_alert_lacks_nothing_but_the_dashboard_that_is_not_there() {
        assert_eq!(faults_of(|_| {}).len(), 1);
    }

    #[test]
    fn each_part_that_an_alert_lacks_is_named() {
        for (part, word) in [
            ("/labels/severity", "severity"),
            ("/annotations/summary", "summary"),
            ("/annotations/runbook_url", "runbook_url"),
        ] {
            let faults = faults_of(|alert| *alert.pointer_mut(part).unwrap() = json!("nothing"));
            assert!(
                faults.iter().any(|fault| fault.contains(word)),
                "{part}: {faults:?}"
            );
        }
        let faults = faults_of(|alert| {
            alert.as_object_mut().unwrap().remove("for");
        });
        assert!(
            faults.iter().any(|fault| fault.contains("`for`")),
            "{faults:?}"
        );
    }

    #[test]
    fn an_alert_without_a_firing_or_a_silent_time_is_untested() {
        let rules =
            file(json!({"groups": [{"rules": [{"alert": "A", "labels": {"window": "1h"}}]}]}));
        let rule = rules.rules()[0];
        let case = |alerts: Value| {
            file(
                json!({"tests": [{"alert_rule_test": [{"alertname": "A", "exp_alerts": alerts}]}]}),
            )
        };
        let firing = json!([{"exp_labels": {"window": "1h"}}]);
        let namesake = json!([{"exp_labels": {"window": "6h"}}]);
        assert_eq!(
            untested(&rule, &[case(firing.clone()), case(json!([]))]),
            [] as [&str; 0]
        );
        assert_eq!(
            untested(&rule, &[case(firing)]),
            ["no test has a time at which it is silent"]
        );
        assert_eq!(
            untested(&rule, &[case(namesake), case(json!([]))]),
            ["no test has a time at which it fires"]
        );
    }

    #[test]
    fn a_runbook_without_a_part_or_a_command_is_refused() {
        let block = "```sh\nkubectl get pods\n```\n";
        let text = format!(
            "# A\n\n## Meaning\nx\n\n## Impact\nx\n\n## First three checks\n\n1. a\n{block}2. b\n{block}3. c\n{block}\n## Resolved when\nx\n"
        );
        assert_eq!(faults_of_runbook("A", &text), [] as [&str; 0]);
        for (part, by) in [
            ("## Impact", "## Effect"),
            ("3. c", "c"),
            ("# A", "# B"),
            ("```sh", ""),
            ("## Impact\nx", "## Impact\n"),
        ] {
            assert_ne!(
                faults_of_runbook("A", &text.replacen(part, by, 1)),
                [] as [&str; 0],
                "{part}"
            );
        }
    }
}
