//! Objects that our commands make themselves, outside of the release, labelled so that they are known again.

use anyhow::Result;
use serde_json::{Map, Value, json};

use super::kubectl::Cluster;

/// Selects what `cargo xtask setup` made.
pub(crate) const MADE: &str = "app.kubernetes.io/managed-by=roster-setup";

fn labels() -> Value {
    json!({"app.kubernetes.io/managed-by": "roster-setup"})
}

/// Creates the namespace, which enforces the restricted pod security standard.
pub(crate) fn namespace(cluster: &Cluster) -> Result<()> {
    let mut labels = labels();
    labels["pod-security.kubernetes.io/enforce"] = json!("restricted");
    apply(
        cluster,
        &json!({
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": {"name": cluster.namespace, "labels": labels},
        }),
    )
}

/// Creates a Secret; its values go through standard input and are never printed.
pub(crate) fn secret(cluster: &Cluster, name: &str, values: &[(&str, &str)]) -> Result<()> {
    apply(cluster, &object("Secret", name, "stringData", values))
}

/// Creates a `ConfigMap`.
pub(crate) fn config_map(cluster: &Cluster, name: &str, values: &[(&str, &str)]) -> Result<()> {
    apply(cluster, &object("ConfigMap", name, "data", values))
}

fn object(kind: &str, name: &str, member: &str, values: &[(&str, &str)]) -> Value {
    let values: Map<String, Value> = values
        .iter()
        .map(|(key, value)| ((*key).to_owned(), json!(value)))
        .collect();
    json!({
        "apiVersion": "v1",
        "kind": kind,
        "metadata": {"name": name, "labels": labels()},
        member: values,
    })
}

fn apply(cluster: &Cluster, object: &Value) -> Result<()> {
    cluster
        .kubectl()
        .args([
            "apply",
            "--server-side",
            "--force-conflicts",
            "--filename=-",
        ])
        .stdin(object.to_string())
        .quiet()
        .output()
        .map(drop)
}
