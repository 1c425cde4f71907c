//! What each value does: a render with it differs from one without it as `helm-chart/unittests/effects.yaml` says.
//! Every value of the schema is tried. Must not know what the values mean.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Mutex;

use anyhow::{Context, Result};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::settings::upper_snake;
use crate::cluster::CHART;
use xtask::failure::{Failure, Kind};
use xtask::interrupt;
use xtask::run_tool::tool;

const SCHEMA: &str = "helm-chart/values.schema.json";
const EFFECTS: &str = "helm-chart/unittests/effects.yaml";
/// Read by a parent chart, not by this one.
const OF_THE_PARENT: [&str; 2] = ["enabled", "global"];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Effects {
    bases: BTreeMap<String, Value>,
    values: BTreeMap<String, Effect>,
}

/// One value and what it does.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Effect {
    #[serde(default = "plain")]
    base: String,
    value: Value,
    shows: Option<String>,
    hides: Option<String>,
    fails: Option<String>,
}

fn plain() -> String {
    "plain".to_owned()
}

/// Fails when a value of the schema has no effect, another one than stated, or is not listed.
pub(super) fn check() -> Result<()> {
    let schema: Value = serde_json::from_str(&read(SCHEMA)?)?;
    let mut effects: Effects = serde_saphyr::from_str(&read(EFFECTS)?)
        .with_context(|| format!("{EFFECTS} is not valid"))?;
    let paths = paths(&schema, "");
    let is_setting = |path: &&String| path.starts_with("config.");
    let mut faults: Vec<String> = paths
        .iter()
        .filter(|path| !is_setting(path) && !OF_THE_PARENT.contains(&path.as_str()))
        .filter(|path| !effects.values.contains_key(*path))
        .map(|path| format!("{path}: no line in {EFFECTS} says what it does"))
        .collect();
    faults.extend(
        effects
            .values
            .keys()
            .filter(|path| !paths.contains(path))
            .map(|path| format!("{path}: {SCHEMA} has no such value")),
    );
    effects.bases.insert("settings".to_owned(), settings_base());
    for path in paths.iter().filter(is_setting) {
        effects.values.insert(path.clone(), setting(path, &schema));
    }
    faults.extend(tried(&effects)?);
    if faults.is_empty() {
        printing::eprintln!(
            "{} values of the chart have the effect that is stated",
            effects.values.len()
        );
        return Ok(());
    }
    Err(Failure::new(
        Kind::Check,
        format!(
            "{} value(s) of the chart do not do what they should",
            faults.len()
        ),
        faults.join("\n"),
        format!("correct the template, or {EFFECTS}"),
    )
    .into())
}

fn read(path: &str) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("cannot read {path}"))
}

/// Every value of the schema by its path: what is an object with members of its own is not one value but several.
fn paths(schema: &Value, path: &str) -> Vec<String> {
    let members = schema["properties"].as_object();
    let (Some(members), false) = (members, schema["$ref"].is_string()) else {
        return vec![path.to_owned()];
    };
    // An affinity is Kubernetes' own object.
    if path == "affinity" {
        return vec![path.to_owned()];
    }
    members
        .iter()
        .flat_map(|(name, inner)| {
            let path = if path.is_empty() {
                name.clone()
            } else {
                format!("{path}.{name}")
            };
            paths(inner, &path)
        })
        .collect()
}

/// Values under which every setting may be set.
fn settings_base() -> Value {
    json!({
        "tokens": {"secretName": "keys"},
        "image": {"otlp": true},
        "config": {"oidcIssuer": "https://issuer.example.com", "oidcAudience": "roster"},
    })
}

/// A setting of the service becomes its environment variable.
fn setting(path: &str, schema: &Value) -> Effect {
    let name = path.trim_start_matches("config.");
    let schema = &schema["properties"]["config"]["properties"][name];
    let value = match (name, schema["type"].as_str()) {
        ("auth", _) => json!("disabled"),
        ("listen", _) => json!("[::]:9080"),
        ("adminListen", _) => json!("[::]:9081"),
        ("syslog", _) => json!("tcp://logs.example.com:601"),
        (_, Some("boolean")) => json!(true),
        (_, Some("integer")) => json!(schema["minimum"].as_i64().unwrap_or_default() + 1),
        _ => schema["enum"]
            .as_array()
            .and_then(|all| all.last().cloned())
            .unwrap_or_else(|| json!("https://other.example.com")),
    };
    let text = value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned);
    Effect {
        base: "settings".to_owned(),
        shows: Some(format!("ROSTER_{}: {text:?}", upper_snake(name))),
        value,
        hides: None,
        fails: None,
    }
}

/// The faults of all values, tried on every core at once.
fn tried(effects: &Effects) -> Result<Vec<String>> {
    let mut bases = BTreeMap::new();
    for (name, values) in &effects.bases {
        bases.insert(
            name.as_str(),
            render(values).with_context(|| format!("base {name}"))?,
        );
    }
    let queue = Mutex::new(effects.values.iter());
    let next = || queue.lock().ok().and_then(|mut queue| queue.next());
    let work = || -> Result<Vec<String>> {
        let mut faults = Vec::new();
        while let Some((path, effect)) = next() {
            interrupt::check()?;
            let without = bases
                .get(effect.base.as_str())
                .with_context(|| format!("{path}: no base is called {}", effect.base))?;
            let mut values = effects.bases[&effect.base].clone();
            set(&mut values, path, effect.value.clone());
            let fault = effect.fault(without, &render(&values));
            faults.extend(fault.map(|fault| format!("{path}: {fault}")));
        }
        Ok(faults)
    };
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
        let mut faults = Vec::new();
        for thread in threads {
            let found = thread
                .join()
                .map_err(|_| anyhow::anyhow!("a worker panicked"))?;
            faults.extend(found?);
        }
        Ok(faults)
    })
}

impl Effect {
    fn fault(&self, without: &str, with: &Result<String>) -> Option<String> {
        let with = match (with, &self.fails) {
            (Err(error), Some(reason)) => {
                let said = said(error);
                return (!said.contains(reason)).then(|| format!("fails otherwise: {said}"));
            }
            (Err(error), None) => return Some(format!("does not render: {}", said(error))),
            (Ok(_), Some(reason)) => return Some(format!("renders, and should fail: {reason}")),
            (Ok(with), None) => with,
        };
        let has = |lines: &[&str], text: &str| lines.iter().any(|line| line.contains(text));
        if let Some(text) = &self.shows
            && !has(&lacking(without, with), text)
        {
            return Some(format!("the render has no new line with `{text}`"));
        }
        if let Some(text) = &self.hides
            && !has(&lacking(with, without), text)
        {
            return Some(format!("the render still has every line with `{text}`"));
        }
        (self.shows.is_none() && self.hides.is_none())
            .then(|| format!("{EFFECTS} says neither `shows` nor `hides` nor `fails`"))
    }
}

fn said(error: &anyhow::Error) -> String {
    error
        .downcast_ref::<Failure>()
        .map_or_else(|| error.to_string(), |failure| failure.why.clone())
}

/// The lines that `text` has more often than `than` has.
fn lacking<'a>(than: &str, text: &'a str) -> Vec<&'a str> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for line in than.lines() {
        *counts.entry(line).or_default() += 1;
    }
    text.lines()
        .filter(|line| match counts.get_mut(line) {
            Some(count) if *count > 0 => {
                *count -= 1;
                false
            }
            _ => true,
        })
        .collect()
}

/// Sets the value at a path; a map replaces what is there, as a person's values file would.
fn set(values: &mut Value, path: &str, value: Value) {
    let mut place = values;
    for name in path.split('.') {
        if !place.is_object() {
            *place = Value::Object(Map::new());
        }
        place = &mut place[name];
    }
    *place = value;
}

/// The chart's objects with these values.
pub(super) fn render(values: &Value) -> Result<String> {
    let file = tempfile::NamedTempFile::new().context("cannot make a temporary file")?;
    fs::write(file.path(), values.to_string()).context("cannot write a temporary file")?;
    tool("helm")
        .args(["template", "roster", CHART, "--namespace=roster"])
        .args([
            "--kube-version=1.36.0",
            "--api-versions=custom.metrics.k8s.io/v1beta1",
        ])
        .arg("--values")
        .arg(Path::new(file.path()))
        .quiet()
        .output()
}

#[cfg(test)]
mod tests {
    use super::{Effect, lacking, paths, set};
    use serde_json::json;

    fn effect(shows: Option<&str>, hides: Option<&str>) -> Effect {
        Effect {
            base: "plain".to_owned(),
            value: json!(1),
            shows: shows.map(str::to_owned),
            hides: hides.map(str::to_owned),
            fails: None,
        }
    }

    #[test]
    fn a_line_that_was_there_before_is_not_an_effect() {
        assert_eq!(lacking("a\nb\n", "a\na\nb"), ["a"]);
        let shows = effect(Some("a: 1"), None);
        assert_eq!(shows.fault("a: 0", &Ok("a: 1".to_owned())), None);
        assert!(shows.fault("a: 1", &Ok("a: 1".to_owned())).is_some());
        let hides = effect(None, Some("a: 1"));
        assert_eq!(hides.fault("a: 1", &Ok(String::new())), None);
        assert!(hides.fault("a: 1", &Ok("a: 1".to_owned())).is_some());
        assert!(effect(None, None).fault("", &Ok("a".to_owned())).is_some());
    }

    #[test]
    fn every_leaf_of_the_schema_is_one_value() {
        let schema = json!({"properties": {
            "a": {"properties": {"b": {"type": "string"}, "c": {"$ref": "#/$defs/x"}}},
            "affinity": {"properties": {"nodeAffinity": {}}},
        }});
        assert_eq!(paths(&schema, ""), ["a.b", "a.c", "affinity"]);
    }

    #[test]
    fn a_value_is_set_beside_the_others() {
        let mut values = json!({"a": {"b": 1}});
        set(&mut values, "a.c.d", json!(2));
        assert_eq!(values, json!({"a": {"b": 1, "c": {"d": 2}}}));
    }
}
