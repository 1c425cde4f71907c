//! Many mutants in one run of promtool. Each mutant is a copy of the mutated rule, and of the rules that read it, under
//! its own names; each assertion is repeated for every mutant with these names. Rules that no mutant changes are
//! evaluated once. Must not run anything.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::check::rules::mutants::Mutant;
use crate::rule_files::promql::{Kind, tokens};
use crate::rule_files::{Rule, YamlFile};

/// The suffix that distinguishes a mutant's names from the rules'.
pub(super) const MARK: &str = "__mutant_";

/// One mutant and its position.
pub(super) struct Breakage<'a> {
    /// Its number, the suffix of its names.
    pub(super) number: usize,
    pub(super) file: &'a YamlFile,
    rule: Rule<'a>,
    mutant: Mutant,
    /// The mutated rule and all that read it, directly or indirectly, in file order.
    chain: Vec<Rule<'a>>,
}

impl<'a> Breakage<'a> {
    pub(super) fn new(number: usize, file: &'a YamlFile, rule: Rule<'a>, mutant: Mutant) -> Self {
        let mut chain: Vec<Rule<'a>> = Vec::new();
        let mut recorded: BTreeSet<&str> = BTreeSet::new();
        for other in file.rules() {
            let is_it = is_same(&other, &rule);
            if is_it
                || metrics(other.expression())
                    .iter()
                    .any(|name| recorded.contains(name.as_str()))
            {
                if !other.is_alert() {
                    recorded.insert(other.name());
                }
                chain.push(other);
            }
        }
        Self {
            number,
            file,
            rule,
            mutant,
            chain,
        }
    }

    /// The fault and its location, for display.
    pub(super) fn description(&self) -> String {
        format!(
            "{}: {}: {}",
            self.file.path.display(),
            self.rule.full_name(),
            self.mutant.fault
        )
    }

    /// Whether a test group asserts anything that the mutant may change.
    pub(super) fn concerns(&self, test: &Value) -> bool {
        alert_cases(test).any(|case| self.alert_case(case).is_some())
            || expression_cases(test).any(|case| self.expression_case(case).is_some())
    }

    fn suffix(&self) -> String {
        format!("{MARK}{}", self.number)
    }

    fn has(&self, name: &str, is_alert: bool) -> bool {
        self.chain
            .iter()
            .any(|rule| rule.name() == name && rule.is_alert() == is_alert)
    }

    /// An expression with the mutant's names in place of the rules'.
    fn renamed(&self, expression: &str) -> String {
        let name = |text: &str, kind| match kind {
            Kind::Metric if self.has(text, false) => format!("{text}{}", self.suffix()),
            Kind::Text if self.has(text.trim_matches(['"', '\'', '`']), true) => {
                let (text, quote) = text.split_at(text.len() - 1);
                format!("{text}{}{quote}", self.suffix())
            }
            _ => text.to_owned(),
        };
        tokens(expression)
            .iter()
            .map(|token| name(&token.text, token.kind))
            .collect()
    }

    /// The rules of the mutant.
    fn rules(&self) -> Vec<Value> {
        let copy = |rule: &Rule<'a>| {
            let mut value = if is_same(rule, &self.rule) {
                self.mutant.rule.clone()?
            } else {
                rule.value.clone()
            };
            let key = if rule.is_alert() { "alert" } else { "record" };
            value[key] = json!(format!("{}{}", rule.name(), self.suffix()));
            value["expr"] = json!(self.renamed(value["expr"].as_str().unwrap_or_default()));
            Some(value)
        };
        self.chain.iter().filter_map(copy).collect()
    }

    /// The mutant's form of an alert assertion; for alerts of the same name, only those that the mutant has.
    fn alert_case(&self, case: &Value) -> Option<Value> {
        let name = case["alertname"].as_str()?;
        if !self.has(name, true) {
            return None;
        }
        let mut case = case.clone();
        case["alertname"] = json!(format!("{name}{}", self.suffix()));
        let alerts = case["exp_alerts"].as_array_mut()?;
        alerts.retain(|alert| {
            self.chain
                .iter()
                .any(|rule| rule.is_alert() && rule.name() == name && rule.sets_labels_of(alert))
        });
        Some(case)
    }

    /// The mutant's form of an expression assertion; `None` if it reads nothing of the mutant.
    fn expression_case(&self, case: &Value) -> Option<Value> {
        let expression = case["expr"].as_str()?;
        let renamed = self.renamed(expression);
        if renamed == expression {
            return None;
        }
        let mut case = case.clone();
        case["expr"] = json!(renamed);
        let asked = tokens(expression);
        let alert = self.chain.iter().find(|rule| {
            rule.is_alert()
                && asked
                    .iter()
                    .any(|token| token.text == format!("\"{}\"", rule.name()))
        });
        if let Some(alert) = alert {
            self.keep_namesakes_out(alert.name(), expression, &mut case)?;
        }
        for sample in case["exp_samples"].as_array_mut().into_iter().flatten() {
            let labels = sample["labels"].as_str().map(|labels| self.renamed(labels));
            if let Some(labels) = labels {
                sample["labels"] = json!(labels);
            }
        }
        Some(case)
    }

    /// Alerts of one name differ in their label `window`. An assertion without it proves nothing here.
    fn keep_namesakes_out(&self, name: &str, expression: &str, case: &mut Value) -> Option<()> {
        let named = |rule: &&Rule<'_>| rule.is_alert() && rule.name() == name;
        let all = self.file.rules().iter().filter(named).count();
        let ours: Vec<&str> = self
            .chain
            .iter()
            .filter(named)
            .filter_map(|rule| rule.label("window"))
            .collect();
        if all == self.chain.iter().filter(named).count() {
            return Some(());
        }
        let speaks_of_ours = |text: &str| {
            ours.iter()
                .any(|window| text.contains(&format!("window=\"{window}\"")))
        };
        if expression.contains("window=\"") {
            return speaks_of_ours(expression).then_some(());
        }
        if !expression.contains("by (window)") {
            return None;
        }
        if let Some(samples) = case["exp_samples"].as_array_mut() {
            samples.retain(|sample| sample["labels"].as_str().is_some_and(speaks_of_ours));
        }
        Some(())
    }

    /// An input series with the name of a rule in the chain is also an input for the mutant.
    fn series(&self, series: &Value) -> Option<Value> {
        let name = series["series"].as_str()?;
        let renamed = self.renamed(name);
        (renamed != name).then(|| json!({"series": renamed, "values": series["values"]}))
    }
}

fn is_same(a: &Rule<'_>, b: &Rule<'_>) -> bool {
    (a.group, a.index) == (b.group, b.index)
}

fn metrics(expression: &str) -> BTreeSet<String> {
    tokens(expression)
        .into_iter()
        .filter(|token| token.kind == Kind::Metric)
        .map(|token| token.text)
        .collect()
}

/// The rules of all these mutants, after the unchanged ones that they read.
pub(super) fn rules(breakages: &[&Breakage<'_>]) -> Value {
    let broken: Vec<Value> = breakages
        .iter()
        .flat_map(|breakage| breakage.rules())
        .collect();
    let mut read: BTreeSet<String> = broken
        .iter()
        .flat_map(|rule| metrics(rule["expr"].as_str().unwrap_or_default()))
        .collect();
    let mut unbroken = Vec::new();
    // Backwards, because a rule reads those above it.
    for rule in breakages[0].file.rules().iter().rev() {
        if !rule.is_alert() && read.contains(rule.name()) {
            read.extend(metrics(rule.expression()));
            unbroken.push(rule.value.clone());
        }
    }
    unbroken.reverse();
    unbroken.extend(broken);
    json!({"groups": [{"name": "mutants", "rules": unbroken}]})
}

/// The test group with its assertions for all these mutants.
pub(super) fn test(breakages: &[&Breakage<'_>], test: &Value) -> Value {
    let mut whole = test.clone();
    let mut series = test["input_series"].as_array().cloned().unwrap_or_default();
    let own: Vec<Value> = breakages
        .iter()
        .flat_map(|breakage| series.iter().filter_map(|one| breakage.series(one)))
        .collect();
    series.extend(own);
    whole["input_series"] = json!(series);
    let alerts: Vec<Value> = breakages
        .iter()
        .flat_map(|breakage| alert_cases(test).filter_map(|case| breakage.alert_case(case)))
        .collect();
    let expressions: Vec<Value> = breakages
        .iter()
        .flat_map(|breakage| {
            expression_cases(test).filter_map(|case| breakage.expression_case(case))
        })
        .collect();
    whole["alert_rule_test"] = json!(alerts);
    whole["promql_expr_test"] = json!(expressions);
    whole
}

fn alert_cases(test: &Value) -> impl Iterator<Item = &Value> {
    test["alert_rule_test"].as_array().into_iter().flatten()
}

fn expression_cases(test: &Value) -> impl Iterator<Item = &Value> {
    test["promql_expr_test"].as_array().into_iter().flatten()
}

/// The latest assertion time of a group, in minutes.
pub(super) fn last_time(test: &Value) -> u64 {
    alert_cases(test)
        .chain(expression_cases(test))
        .filter_map(|case| case["eval_time"].as_str())
        .map(minutes_of)
        .max()
        .unwrap_or_default()
}

/// Minutes of a time such as `72h40m`.
fn minutes_of(time: &str) -> u64 {
    let (hours, rest) = time.split_once('h').unwrap_or(("0", time));
    hours.parse::<u64>().unwrap_or_default() * 60
        + rest
            .trim_end_matches('m')
            .parse::<u64>()
            .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file() -> YamlFile {
        YamlFile {
            path: "rules/x.yaml".into(),
            content: json!({"groups": [{"rules": [
                {"record": "a:b", "expr": "sum(m)"},
                {"record": "a:c", "expr": "a:b / 2"},
                {"record": "a:other", "expr": "sum(n)"},
                {"alert": "A", "expr": "a:c > 1 and a:other > 0", "labels": {"window": "1h"}},
                {"alert": "A", "expr": "a:other > 1", "labels": {"window": "6h"}},
            ]}]}),
        }
    }

    fn breakage(file: &YamlFile, index: usize) -> Breakage<'_> {
        let rule = file.rules()[index];
        let mutant = Mutant {
            fault: "x".to_owned(),
            rule: Some(json!({"record": "a:b", "expr": "sum(m_renamed)"})),
        };
        Breakage::new(7, file, rule, mutant)
    }

    #[test]
    fn the_broken_rule_and_its_readers_have_names_of_their_own_and_read_the_others() {
        let file = file();
        let broken = breakage(&file, 0);
        let all = rules(&[&broken]);
        let texts: Vec<String> = all["groups"][0]["rules"]
            .as_array()
            .unwrap()
            .iter()
            .map(|rule| {
                let name = rule.get("alert").or_else(|| rule.get("record")).unwrap();
                format!(
                    "{} = {}",
                    name.as_str().unwrap(),
                    rule["expr"].as_str().unwrap()
                )
            })
            .collect();
        assert_eq!(
            texts,
            [
                "a:other = sum(n)",
                "a:b__mutant_7 = sum(m_renamed)",
                "a:c__mutant_7 = a:b__mutant_7 / 2",
                "A__mutant_7 = a:c__mutant_7 > 1 and a:other > 0",
            ]
        );
    }

    #[test]
    fn of_namesakes_only_the_broken_one_is_expected() {
        let file = file();
        let broken = breakage(&file, 3);
        let case = json!({"eval_time": "1m", "alertname": "A", "exp_alerts": [
            {"exp_labels": {"window": "1h"}}, {"exp_labels": {"window": "6h"}}]});
        let case = broken.alert_case(&case).unwrap();
        assert_eq!(case["alertname"], "A__mutant_7");
        assert_eq!(
            case["exp_alerts"],
            json!([{"exp_labels": {"window": "1h"}}])
        );
    }

    #[test]
    fn an_expression_is_asked_by_the_mutants_names_or_not_at_all() {
        let file = file();
        let broken = breakage(&file, 3);
        let asked = |expression: &str| {
            let case = broken.expression_case(&json!({"expr": expression, "exp_samples": [
                {"labels": "{window=\"1h\"}"}, {"labels": "{window=\"6h\"}"}]}))?;
            Some((
                case["expr"].as_str().unwrap().to_owned(),
                case["exp_samples"].as_array().unwrap().len(),
            ))
        };
        assert_eq!(
            asked("count by (window) (ALERTS{alertname=\"A\"})"),
            Some((
                "count by (window) (ALERTS{alertname=\"A__mutant_7\"})".to_owned(),
                1
            ))
        );
        assert_eq!(
            asked("ALERTS{alertname=\"A\",window=\"1h\"}").map(|(_, samples)| samples),
            Some(2)
        );
        assert_eq!(asked("ALERTS{alertname=\"A\",window=\"6h\"}"), None);
        assert_eq!(asked("count(ALERTS{alertname=\"A\"})"), None);
        assert_eq!(asked("a:b"), None);
    }

    #[test]
    fn what_a_test_feeds_as_a_recording_is_fed_to_the_mutant_too() {
        let file = file();
        let broken = breakage(&file, 0);
        let whole = test(
            &[&broken],
            &json!({"input_series": [{"series": "a:b{x=\"y\"}", "values": "1"}], "promql_expr_test": [{"expr": "a:c", "eval_time": "1h8m"}]}),
        );
        assert_eq!(whole["input_series"][1]["series"], "a:b__mutant_7{x=\"y\"}");
        assert_eq!(whole["promql_expr_test"][0]["expr"], "a:c__mutant_7");
        assert_eq!(last_time(&whole), 68);
    }
}
