//! Prometheus' rule files and their promtool tests in `prometheus/`. Files stay JSON values, because mutants change
//! single places in them. Must not check anything: that is the checks' task.

pub(crate) mod promql;
pub(crate) mod time_scale;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;
use serde_json::Value;

use xtask::failure::{Failure, Kind};

/// The directory of the monitoring configuration.
pub(crate) const FOLDER: &str = "prometheus";

/// One YAML file.
#[derive(Clone, Debug)]
pub(crate) struct YamlFile {
    /// Its path from the repository's root.
    pub(crate) path: PathBuf,
    pub(crate) content: Value,
}

/// One rule in a file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rule<'a> {
    /// The rule's part of the file.
    pub(crate) value: &'a Value,
    /// Which group of the file.
    pub(crate) group: usize,
    /// Which rule of the group.
    pub(crate) index: usize,
}

impl<'a> Rule<'a> {
    /// The alert's or the recorded series' name.
    pub(crate) fn name(&self) -> &'a str {
        let name = self.value.get("alert").or_else(|| self.value.get("record"));
        name.and_then(Value::as_str).unwrap_or("(without a name)")
    }

    /// Whether it is an alerting rule.
    pub(crate) fn is_alert(&self) -> bool {
        self.value.get("alert").is_some()
    }

    /// Its expression.
    pub(crate) fn expression(&self) -> &'a str {
        self.value["expr"].as_str().unwrap_or_default()
    }

    /// A label it sets.
    pub(crate) fn label(&self, name: &str) -> Option<&'a str> {
        self.value.pointer(&format!("/labels/{name}"))?.as_str()
    }

    /// An annotation it sets.
    pub(crate) fn annotation(&self, name: &str) -> Option<&'a str> {
        self.value
            .pointer(&format!("/annotations/{name}"))?
            .as_str()
    }

    /// Whether an expected alert in a test has the labels that this rule sets.
    pub(crate) fn sets_labels_of(&self, expected: &Value) -> bool {
        self.value["labels"].as_object().is_some_and(|labels| {
            labels
                .iter()
                .all(|(name, value)| expected["exp_labels"][name] == *value)
        })
    }

    /// The name with its distinguishing label: `RosterLatencyBudgetBurn (1d)`.
    pub(crate) fn full_name(&self) -> String {
        let distinguishing = if self.is_alert() {
            self.label("window")
        } else {
            None
        };
        let distinguishing = distinguishing.or_else(|| self.label("slo"));
        distinguishing.map_or_else(
            || self.name().to_owned(),
            |label| format!("{} ({label})", self.name()),
        )
    }
}

impl YamlFile {
    /// Reads one file.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let next = "correct the file; promtool reads the same YAML";
        let refused = |why: String| {
            Failure::new(
                Kind::Check,
                format!("cannot read {}", path.display()),
                why,
                next,
            )
        };
        let text = fs::read_to_string(path).map_err(|error| refused(error.to_string()))?;
        let content = serde_saphyr::from_str(&text).map_err(|error| refused(error.to_string()))?;
        Ok(Self {
            path: path.to_owned(),
            content,
        })
    }

    /// The file's name without its folder.
    pub(crate) fn name(&self) -> &str {
        self.path
            .file_name()
            .and_then(|name| name.to_str())
            .unwrap_or_default()
    }

    /// Every rule of a rule file.
    pub(crate) fn rules(&self) -> Vec<Rule<'_>> {
        let rules_of = |group: &'_ Value| group["rules"].as_array().map_or(0, Vec::len);
        let groups = self.content["groups"]
            .as_array()
            .map_or(&[][..], Vec::as_slice);
        let mut rules = Vec::new();
        for (group, value) in groups.iter().enumerate() {
            for index in 0..rules_of(value) {
                rules.push(Rule {
                    value: &value["rules"][index],
                    group,
                    index,
                });
            }
        }
        rules
    }

    /// Every test of a test file.
    pub(crate) fn tests(&self) -> &[Value] {
        self.content["tests"]
            .as_array()
            .map_or(&[][..], Vec::as_slice)
    }
}

/// Every `*.yaml` of a folder below `prometheus/`, by name.
pub(crate) fn read_folder(folder: &str) -> Result<Vec<YamlFile>> {
    let folder = Path::new(FOLDER).join(folder);
    let entries = fs::read_dir(&folder).map_err(|error| {
        let what = format!("cannot list {}", folder.display());
        Failure::new(
            Kind::Check,
            what,
            error.to_string(),
            "restore the folder from git",
        )
    })?;
    let mut paths: Vec<_> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|ending| ending == "yaml"))
        .collect();
    paths.sort();
    paths.iter().map(|path| YamlFile::read(path)).collect()
}

#[cfg(test)]
mod tests {
    use super::{Failure, YamlFile};

    #[test]
    fn a_key_that_stands_twice_is_refused_with_its_line() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        let text = "groups:\n- name: a\n  rules: []\n  rules: []\n";
        std::io::Write::write_all(&mut file, text.as_bytes()).unwrap();
        let error = YamlFile::read(file.path()).unwrap_err();
        let why = &error.downcast_ref::<Failure>().unwrap().why;
        assert!(
            why.contains("line 4") && why.contains("duplicate mapping key: rules"),
            "{why}"
        );
    }
}
