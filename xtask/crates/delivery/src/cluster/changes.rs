//! What a deploy would change: the rendered objects compared with the installed ones.
//!
//! Objects are compared as data, so that comments and key order do not matter. The chart contains no secrets, so
//! nothing needs to be masked.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Write as _;

use anyhow::{Context, Result};
use serde_json::Value;
use similar::TextDiff;

/// Objects by kind and name.
pub(crate) type Objects = BTreeMap<String, Value>;

/// Reads the documents of a manifest.
pub(crate) fn parse(manifest: &str) -> Result<Objects> {
    let mut objects = Objects::new();
    let documents: Vec<Value> =
        serde_saphyr::from_multiple(manifest).context("a manifest is not YAML")?;
    for value in documents {
        let (Some(kind), Some(name)) = (value["kind"].as_str(), value["metadata"]["name"].as_str())
        else {
            continue;
        };
        objects.insert(format!("{kind}/{name}"), value.clone());
    }
    Ok(objects)
}

/// The differences as text; empty if there are none.
///
/// Under an autoscaler the wanted Deployment states no replicas, since they are rendered without a cluster, from which the
/// chart would read them (docs/adr/0063). Those of the installed one are then not a change.
pub(crate) fn between(installed: &Objects, wanted: &Objects) -> Result<String> {
    let mut text = String::new();
    let mut names: Vec<&String> = installed.keys().chain(wanted.keys()).collect();
    names.sort_unstable();
    names.dedup();
    for name in names {
        match (installed.get(name), wanted.get(name)) {
            (Some(before), Some(after)) => {
                let before = without_autoscaled_replicas(before, after);
                if before.as_ref() == after {
                    continue;
                }
                let (before, after) = (yaml(&before)?, yaml(after)?);
                let diff = TextDiff::from_lines(&before, &after);
                let _ = writeln!(text, "~ {name}");
                for hunk in diff.unified_diff().context_radius(2).iter_hunks() {
                    for line in hunk.to_string().lines().skip(1) {
                        let _ = writeln!(text, "    {line}");
                    }
                }
            }
            (None, Some(_)) => drop(writeln!(text, "+ {name}")),
            (Some(_), None) => drop(writeln!(text, "- {name}")),
            (None, None) => {}
        }
    }
    Ok(text)
}

fn without_autoscaled_replicas<'a>(before: &'a Value, after: &Value) -> Cow<'a, Value> {
    let mut before = Cow::Borrowed(before);
    if after["kind"] == "Deployment"
        && after["spec"]["replicas"].is_null()
        && !before["spec"]["replicas"].is_null()
        && let Some(spec) = before.to_mut()["spec"].as_object_mut()
    {
        spec.remove("replicas");
    }
    before
}

fn yaml(value: &Value) -> Result<String> {
    // A line of a value stays a line, however long: a diff shows lines.
    let options = serde_saphyr::ser_options! { folded_wrap_chars: usize::MAX };
    Ok(serde_saphyr::to_string_with_options(value, options)?)
}

#[cfg(test)]
mod tests {
    use super::{between, parse};

    const ONE: &str =
        "---\n# Source: a\nkind: Service\nmetadata: {name: roster}\nspec: {port: 80}\n";

    #[test]
    fn comments_and_the_order_of_keys_are_no_change() {
        let other = "metadata:\n  name: roster\nspec:\n  port: 80\nkind: Service\n";
        let text = between(&parse(ONE).expect("parses"), &parse(other).expect("parses"));
        assert_eq!(text.expect("compares"), "");
    }

    #[test]
    fn replicas_that_an_autoscaler_chooses_are_not_a_change() {
        let deployment = |spec: &str| {
            let text = format!("kind: Deployment\nmetadata: {{name: roster}}\nspec: {spec}\n");
            parse(&text).expect("parses")
        };
        let changes = |before: &str, after: &str| {
            between(&deployment(before), &deployment(after)).expect("compares")
        };
        assert_eq!(
            changes("{replicas: 3, minReadySeconds: 1}", "{minReadySeconds: 1}"),
            ""
        );
        let other = changes("{replicas: 3, minReadySeconds: 1}", "{minReadySeconds: 2}");
        assert!(
            other.contains("+  minReadySeconds: 2") && !other.contains("replicas"),
            "{other}"
        );
        let stated = changes("{replicas: 3}", "{replicas: 4}");
        assert!(stated.contains("-  replicas: 3"), "{stated}");
    }

    #[test]
    fn a_change_is_shown_with_its_lines_and_new_and_lost_objects_by_name() {
        let other = "kind: Service\nmetadata: {name: roster}\nspec: {port: 81}\n---\nkind: Job\nmetadata: {name: new}\n";
        let text = between(&parse(ONE).expect("parses"), &parse(other).expect("parses"))
            .expect("compares");
        assert!(text.starts_with("+ Job/new\n~ Service/roster\n"), "{text}");
        assert!(
            text.contains("-  port: 80") && text.contains("+  port: 81"),
            "{text}"
        );
    }
}
