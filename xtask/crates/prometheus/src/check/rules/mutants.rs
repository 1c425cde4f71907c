//! Mutants of a rule, each with one small fault of a kind that people make. Changes without an effect are left out,
//! with the reason at each place. Must not know how a mutant is run.

mod matchers;
mod replacements;

use serde_json::{Value, json};

use crate::rule_files::Rule;
use crate::rule_files::promql::{Kind, Token, tokens};
use matchers::without_matcher;
use replacements::replacements;

/// One mutant of a rule.
#[derive(Debug)]
pub(crate) struct Mutant {
    /// Its fault, such as "`>` became `<=` (the 2nd)".
    pub(crate) fault: String,
    /// The rule with the fault; `None` if the rule is removed.
    pub(crate) rule: Option<Value>,
}

/// Every mutant of a rule.
pub(crate) fn of(rule: &Rule<'_>) -> Vec<Mutant> {
    let mut mutants = vec![Mutant {
        fault: "the rule was removed".to_owned(),
        rule: None,
    }];
    let cut = tokens(rule.expression());
    for place in 0..cut.len() {
        for (fault, text) in replacements(&cut, place) {
            let mut changed = cut.clone();
            changed[place].text.clone_from(&text);
            push_expression(&mut mutants, rule, fault, &changed);
        }
        if let Some((fault, changed)) = without_matcher(&cut, place) {
            push_expression(&mut mutants, rule, fault, &changed);
        }
        if let Some((fault, changed)) = without_group_label(&cut, place) {
            push_expression(&mut mutants, rule, fault, &changed);
        }
    }
    if rule.is_alert() {
        mutants.extend(changed_wait(rule));
    }
    mutants.extend(changed_labels(rule));
    mutants.extend(changed_annotations(rule));
    mutants
}

fn push_expression(mutants: &mut Vec<Mutant>, rule: &Rule<'_>, fault: String, changed: &[Token]) {
    let expression: String = changed.iter().map(|token| token.text.as_str()).collect();
    let mut value = rule.value.clone();
    value["expr"] = json!(expression);
    mutants.push(Mutant {
        fault,
        rule: Some(value),
    });
}

fn column(cut: &[Token], place: usize) -> usize {
    cut[..place]
        .iter()
        .map(|token| token.text.chars().count())
        .sum::<usize>()
        + 1
}

/// Drops a label from `by (a, b)`; from both sides of a join, because otherwise nothing would match.
fn without_group_label(cut: &[Token], place: usize) -> Option<(String, Vec<Token>)> {
    let label = &cut[place];
    let next = cut.get(place + 1)?.text.as_str();
    if label.kind != Kind::Label || !matches!(next, "," | ")") {
        return None;
    }
    let mut changed = cut.to_vec();
    "no_such_label".clone_into(&mut changed[place].text);
    Some((
        format!(
            "`{}` is no longer a grouping label, at {}",
            label.text,
            column(cut, place)
        ),
        changed,
    ))
}

fn changed_wait(rule: &Rule<'_>) -> Vec<Mutant> {
    let wait = rule.value["for"].as_str().unwrap_or_default();
    let Ok(window) = crate::slo::Window::try_from(wait.to_owned()) else {
        return Vec::new();
    };
    [0, window.seconds() / 2, window.seconds() * 2]
        .into_iter()
        .map(|seconds| {
            let mut value = rule.value.clone();
            value["for"] = json!(format!("{seconds}s"));
            Mutant {
                fault: format!("`for` became {seconds}s"),
                rule: Some(value),
            }
        })
        .collect()
}

fn changed_labels(rule: &Rule<'_>) -> Vec<Mutant> {
    let names = rule.value["labels"]
        .as_object()
        .into_iter()
        .flat_map(|labels| labels.keys());
    names
        .map(|name| {
            let mut value = rule.value.clone();
            value["labels"][name] = json!("something-else");
            Mutant {
                fault: format!("label {name} has another value"),
                rule: Some(value),
            }
        })
        .collect()
}

fn changed_annotations(rule: &Rule<'_>) -> Vec<Mutant> {
    let names = rule.value["annotations"]
        .as_object()
        .into_iter()
        .flat_map(|annotations| annotations.keys());
    names
        .map(|name| {
            let mut value = rule.value.clone();
            let text = value["annotations"][name].as_str().unwrap_or_default();
            let other = if text.contains("$value") {
                text.replace("$value", "$labels.nothing")
            } else {
                format!("{text}x")
            };
            value["annotations"][name] = json!(other);
            Mutant {
                fault: format!("annotation {name} has another text"),
                rule: Some(value),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rule_files::YamlFile;

    fn faults(expression: &str) -> Vec<String> {
        let file = YamlFile {
            path: "rules/x.yaml".into(),
            content: json!({"groups": [{"rules": [{"alert": "A", "expr": expression, "for": "4m", "labels": {"severity": "page"}}]}]}),
        };
        let mutants = of(&file.rules()[0]);
        mutants
            .into_iter()
            .map(|mutant| {
                mutant.rule.map_or_else(
                    || "gone".to_owned(),
                    |rule| {
                        format!(
                            "{} for {} {}",
                            rule["expr"].as_str().unwrap(),
                            rule["for"].as_str().unwrap(),
                            rule["labels"]["severity"].as_str().unwrap()
                        )
                    },
                )
            })
            .collect()
    }

    #[test]
    fn each_place_of_an_expression_is_broken_once_or_twice() {
        let faults = faults("max by (a) (rate(m{job=\"x\",b=\"y\"}[4m])) > 2");
        for expected in [
            "gone",
            "min by (a) (rate(m{job=\"x\",b=\"y\"}[4m])) > 2 for 4m page",
            "max by (no_such_label) (rate(m{job=\"x\",b=\"y\"}[4m])) > 2 for 4m page",
            "max by (a) (last_over_time(m{job=\"x\",b=\"y\"}[4m])) > 2 for 4m page",
            "max by (a) (rate(m_renamed{job=\"x\",b=\"y\"}[4m])) > 2 for 4m page",
            "max by (a) (rate(m{b=\"y\"}[4m])) > 2 for 4m page",
            "max by (a) (rate(m{job=\"not-x\",b=\"y\"}[4m])) > 2 for 4m page",
            "max by (a) (rate(m{job=\"x\",b=\"y\"}[60s])) > 2 for 4m page",
            "max by (a) (rate(m{job=\"x\",b=\"y\"}[4m])) < 2 for 4m page",
            "max by (a) (rate(m{job=\"x\",b=\"y\"}[4m])) > 4 for 4m page",
            "max by (a) (rate(m{job=\"x\",b=\"y\"}[4m])) > 2 for 0s page",
            "max by (a) (rate(m{job=\"x\",b=\"y\"}[4m])) > 2 for 4m something-else",
        ] {
            assert!(
                faults.iter().any(|fault| fault == expected),
                "{expected} is not in {faults:#?}"
            );
        }
    }

    #[test]
    fn a_matcher_that_operands_are_joined_on_goes_from_all_of_them() {
        let joined = faults("max by (a) (m{a=\"x\",b=\"y\"}) > max by (a) (n{a=\"x\"})");
        let is_there = |expected: &str| joined.iter().any(|fault| fault.starts_with(expected));
        assert!(is_there("max by (a) (m{b=\"y\"}) > max by (a) (n{}) for"));
        assert!(!is_there(
            "max by (a) (m{a=\"x\",b=\"y\"}) > max by (a) (n{}) for"
        ));
        let apart = faults("max by (b) (m{a=\"x\"}) > max by (b) (n{a=\"x\"})");
        assert!(
            apart.contains(&"max by (b) (m{}) > max by (b) (n{a=\"x\"}) for 4m page".to_owned())
        );
        let either = faults("m{a=\"x\"} or n{a=\"x\"}");
        assert!(either.contains(&"m{} or n{a=\"x\"} for 4m page".to_owned()));
    }

    #[test]
    fn no_mutant_is_the_rule_itself() {
        let expression = "sum(rate(x{slo=\"a\"}[5m])) and on (slo) y{slo=\"a\"} >= 0.5 or 0 * z";
        let original = format!("{expression} for 4m page");
        assert!(faults(expression).iter().all(|fault| *fault != original));
    }
}
