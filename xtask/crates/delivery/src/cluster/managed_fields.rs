//! Reads `metadata.managedFields`: which fields of an object somebody else has added.

use std::collections::BTreeSet;

use serde_json::Value;

/// Owners that are not people: helm, and the cluster's controllers.
const NOT_PEOPLE: [&str; 2] = ["helm", "kube-controller-manager"];
/// What `kubectl rollout restart` sets: it changes nothing that the pods run.
const RESTARTED: &str = "kubectl.kubernetes.io/restartedAt";

/// Owner and field of everything in the object's `spec` that somebody has added to what helm states.
pub(super) fn added(object: &Value) -> Vec<(String, String)> {
    let mut helms = BTreeSet::new();
    let mut others = Vec::new();
    for entry in entries(object) {
        let owner = entry["manager"].as_str().unwrap_or_default();
        let mut fields = Vec::new();
        walk(&entry["fieldsV1"]["f:spec"], ".spec", &mut fields);
        if owner == "helm" {
            helms.extend(fields);
        } else if !NOT_PEOPLE.contains(&owner) && !is_of_subresource(entry) {
            others.extend(fields.into_iter().map(|field| (owner.to_owned(), field)));
        }
    }
    others.retain(|(_, field)| !helms.contains(field) && !field.contains(RESTARTED));
    // An element that was added is named, not each of its members.
    let all: BTreeSet<String> = others.iter().map(|(_, field)| field.clone()).collect();
    others.retain(|(_, field)| {
        !all.iter().any(|other| {
            field
                .strip_prefix(other.as_str())
                .is_some_and(|rest| rest.starts_with(['.', '[']))
        })
    });
    others
}

/// The entries without those of an update of the object itself, which are not the cluster's.
pub(super) fn without_updates(object: &Value) -> Vec<Value> {
    entries(object)
        .filter(|entry| {
            let is_controllers = entry["manager"] == "kube-controller-manager";
            entry["operation"] == "Apply" || is_of_subresource(entry) || is_controllers
        })
        .cloned()
        .collect()
}

fn entries(object: &Value) -> impl Iterator<Item = &Value> {
    object["metadata"]["managedFields"]
        .as_array()
        .into_iter()
        .flatten()
}

fn is_of_subresource(entry: &Value) -> bool {
    entry["subresource"]
        .as_str()
        .is_some_and(|name| !name.is_empty())
}

/// Paths of the fields, as the API server writes them: `.spec.containers[name="roster"].image`.
fn walk(fields: &Value, path: &str, found: &mut Vec<String>) {
    let Some(members) = fields.as_object() else {
        return;
    };
    if members.is_empty() || members.contains_key(".") {
        found.push(path.to_owned());
    }
    for (key, below) in members {
        let path = match key.split_once(':') {
            Some(("f", name)) => format!("{path}.{name}"),
            Some(("k", keys)) => format!("{path}{}", element(keys)),
            Some(("v", value)) => format!("{path}[={value}]"),
            _ => continue,
        };
        walk(below, &path, found);
    }
}

/// `{"name":"a"}` is `[name="a"]`.
fn element(keys: &str) -> String {
    let Ok(Value::Object(keys)) = serde_json::from_str(keys) else {
        return format!("[{keys}]");
    };
    let keys: Vec<String> = keys
        .iter()
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    format!("[{}]", keys.join(","))
}

#[cfg(test)]
mod tests {
    use super::{added, without_updates};
    use serde_json::{Value, json};

    fn env(variable: &str) -> Value {
        let variable = format!("k:{{\"name\":\"{variable}\"}}");
        json!({"f:spec": {"f:template": {"f:spec": {"f:containers": {"k:{\"name\":\"roster\"}": {
            "f:env": {variable: {".": {}, "f:name": {}, "f:value": {}}},
        }}}}}})
    }

    fn object() -> Value {
        json!({"metadata": {"managedFields": [
            {"manager": "helm", "operation": "Apply", "fieldsV1": env("ROSTER_LISTEN")},
            {"manager": "helm", "operation": "Update", "fieldsV1": env("ROSTER_LISTEN")},
            {"manager": "kubectl-edit", "operation": "Update", "fieldsV1": env("ROSTER_LISTEN")},
            {"manager": "kubectl-set", "operation": "Update", "fieldsV1": env("ROSTER_LOG_LEVEL")},
            {"manager": "kubectl-rollout", "operation": "Update", "fieldsV1": {"f:spec": {"f:template": {"f:metadata": {
                "f:annotations": {"f:kubectl.kubernetes.io/restartedAt": {}},
            }}}}},
            {"manager": "kubectl", "operation": "Update", "subresource": "scale", "fieldsV1": {"f:spec": {"f:replicas": {}}}},
            {"manager": "kube-controller-manager", "operation": "Update", "subresource": "status", "fieldsV1": {"f:status": {}}},
        ]}})
    }

    #[test]
    fn a_variable_that_somebody_added_is_named_with_its_owner() {
        let expected =
            r#".spec.template.spec.containers[name="roster"].env[name="ROSTER_LOG_LEVEL"]"#;
        assert_eq!(
            added(&object()),
            [("kubectl-set".to_owned(), expected.to_owned())]
        );
        assert!(added(&json!({"metadata": {}})).is_empty());
    }

    #[test]
    fn an_object_that_was_replaced_belongs_to_helms_applies_and_to_the_cluster() {
        let kept = without_updates(&object());
        let owners: Vec<_> = kept.iter().map(|entry| entry["manager"].as_str()).collect();
        assert_eq!(
            owners,
            [
                Some("helm"),
                Some("kubectl"),
                Some("kube-controller-manager")
            ]
        );
    }
}
