//! A short summary of a plan's changes, from `terraform show -json`.
//!
//! It knows plans, not how they are created. Destructive changes are highlighted and listed individually.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};
use anyhow::{Context, Result};
use serde::Deserialize;
use serde_json::Value;

/// What happens to one resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Action {
    /// Destroyed.
    Destroy,
    /// Destroyed and created again.
    Replace,
    /// Changed in place.
    Change,
    /// Created.
    Add,
}

/// One resource that changes.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    /// Its address in the configuration.
    pub(crate) address: String,
    /// What happens to it.
    pub(crate) action: Action,
    /// The arguments that change or force the replacement.
    pub(crate) because: Vec<String>,
}

/// All changes of a plan.
#[derive(Debug)]
pub(crate) struct Summary {
    /// Destructive changes first, then by address.
    pub(crate) changes: Vec<Change>,
    /// Outputs that change without any resource.
    pub(crate) outputs: usize,
}

#[derive(Deserialize)]
struct Plan {
    #[serde(default)]
    resource_changes: Vec<ResourceChange>,
    #[serde(default)]
    output_changes: BTreeMap<String, OutputChange>,
}

#[derive(Deserialize)]
struct OutputChange {
    actions: Vec<String>,
}

#[derive(Deserialize)]
struct ResourceChange {
    address: String,
    mode: String,
    change: Planned,
}

#[derive(Deserialize)]
struct Planned {
    actions: Vec<String>,
    #[serde(default)]
    before: Value,
    #[serde(default)]
    after: Value,
    #[serde(default)]
    after_unknown: Value,
    #[serde(default)]
    replace_paths: Vec<Vec<Value>>,
}

impl Summary {
    /// Parses the output of `terraform show -json` for a plan.
    pub(crate) fn read(json: &str) -> Result<Self> {
        let plan: Plan =
            serde_json::from_str(json).context("terraform show printed an unexpected format")?;
        let mut changes: Vec<_> = plan
            .resource_changes
            .into_iter()
            .filter(|change| change.mode == "managed")
            .filter_map(Change::of)
            .collect();
        changes.sort_by(|a, b| (a.action, &a.address).cmp(&(b.action, &b.address)));
        let outputs = plan
            .output_changes
            .values()
            .filter(|output| output.actions != ["no-op"])
            .count();
        Ok(Self { changes, outputs })
    }

    /// The number of resources with this action.
    pub(crate) fn count(&self, action: Action) -> usize {
        self.changes
            .iter()
            .filter(|change| change.action == action)
            .count()
    }

    /// The resources that would be destroyed or replaced.
    pub(crate) fn destructive(&self) -> impl Iterator<Item = &Change> {
        self.changes
            .iter()
            .filter(|change| change.action <= Action::Replace)
    }

    /// Whether applying would do nothing.
    pub(crate) fn is_empty(&self) -> bool {
        self.changes.is_empty() && self.outputs == 0
    }

    /// The summary as text, with styles that are omitted without a terminal.
    pub(crate) fn render(&self) -> String {
        const RED: Style = AnsiColor::Red.on_default().bold();
        const YELLOW: Style = AnsiColor::Yellow.on_default();
        const BOLD: Style = Style::new().bold();
        let mut text = String::new();
        for change in &self.changes {
            let (style, sign) = match change.action {
                Action::Destroy => (RED, "-   destroy"),
                Action::Replace => (RED, "-/+ replace"),
                Action::Change => (YELLOW, "~   change "),
                Action::Add => continue,
            };
            let because = match (change.action, change.because.as_slice()) {
                (_, []) => String::new(),
                (Action::Replace, because) => format!("   forced by {}", because.join(", ")),
                (_, because) => format!("   {}", because.join(", ")),
            };
            let _ = writeln!(text, "  {style}{sign} {}{style:#}{because}", change.address);
        }
        text.push_str(&self.additions());
        let _ = writeln!(
            text,
            "{BOLD}{} to add, {} to change, {} to replace, {} to destroy{BOLD:#}",
            self.count(Action::Add),
            self.count(Action::Change),
            self.count(Action::Replace),
            self.count(Action::Destroy),
        );
        if self.changes.is_empty() && self.outputs > 0 {
            let _ = writeln!(text, "{} outputs change and nothing else", self.outputs);
        }
        text
    }

    /// The additions, one line per module: its kinds of resources with their numbers.
    fn additions(&self) -> String {
        let mut modules: BTreeMap<String, BTreeMap<&str, usize>> = BTreeMap::new();
        for change in self
            .changes
            .iter()
            .filter(|change| change.action == Action::Add)
        {
            let (module, kind) = module_and_kind(&change.address);
            *modules.entry(module).or_default().entry(kind).or_default() += 1;
        }
        let mut text = String::new();
        for (module, kinds) in modules {
            let kinds: Vec<_> = kinds
                .into_iter()
                .map(|(kind, count)| {
                    if count == 1 {
                        kind.to_owned()
                    } else {
                        format!("{count} × {kind}")
                    }
                })
                .collect();
            let _ = writeln!(text, "  +   add     {module}: {}", kinds.join(", "));
        }
        text
    }
}

impl Change {
    fn of(change: ResourceChange) -> Option<Self> {
        let actions: Vec<_> = change.change.actions.iter().map(String::as_str).collect();
        let action = match actions.as_slice() {
            ["create"] => Action::Add,
            ["update"] => Action::Change,
            ["delete"] => Action::Destroy,
            ["delete", "create"] | ["create", "delete"] => Action::Replace,
            _ => return None,
        };
        let because = match action {
            Action::Replace => change
                .change
                .replace_paths
                .iter()
                .map(|path| path_text(path))
                .collect(),
            Action::Change => changed_arguments(&change.change),
            Action::Add | Action::Destroy => Vec::new(),
        };
        Some(Self {
            address: change.address,
            action,
            because,
        })
    }
}

fn path_text(path: &[Value]) -> String {
    let mut text = String::new();
    for step in path {
        match step {
            Value::String(name) if text.is_empty() => text.push_str(name),
            Value::String(name) => {
                let _ = write!(text, ".{name}");
            }
            index => {
                let _ = write!(text, "[{index}]");
            }
        }
    }
    text
}

/// The names of the arguments that differ, never their values, which may be secret.
fn changed_arguments(change: &Planned) -> Vec<String> {
    let (Value::Object(before), Value::Object(after)) = (&change.before, &change.after) else {
        return Vec::new();
    };
    let unknown = |name: &String| {
        change
            .after_unknown
            .get(name)
            .is_some_and(|value| value == &Value::Bool(true))
    };
    after
        .iter()
        .filter(|(name, value)| before.get(*name) != Some(value) && !unknown(name))
        .map(|(name, _)| name.clone())
        .collect()
}

/// `module.a.module.b[0].type.name["x"]` → (`a / b`, `type`).
fn module_and_kind(address: &str) -> (String, &str) {
    let mut rest = address;
    let mut modules = Vec::new();
    while let Some(after) = rest.strip_prefix("module.") {
        let end = after.find('.').unwrap_or(after.len());
        modules.push(
            after[..end]
                .split('[')
                .next()
                .unwrap_or_default()
                .replace('_', "-"),
        );
        rest = after.get(end + 1..).unwrap_or_default();
    }
    let kind = rest.split('.').next().unwrap_or(rest);
    let module = match modules.as_slice() {
        [] => "(root)".to_owned(),
        [one] => one.clone(),
        // The one module that every environment calls is omitted.
        [_, inner @ ..] => inner.join(" / "),
    };
    (module, kind)
}

#[cfg(test)]
#[path = "summary_tests.rs"]
mod tests;
