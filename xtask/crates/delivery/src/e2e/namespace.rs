//! The namespace for e2e: restricted pod security, with the Secrets that the chart needs.

use std::net::{IpAddr, SocketAddr};

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::cluster::RELEASE;
use crate::cluster::kubectl::{Cluster, items};

/// Creates the namespace, which enforces the restricted pod security standard.
pub(crate) fn make(cluster: &Cluster) -> Result<()> {
    apply(
        cluster,
        &json!({
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": {
                "name": cluster.namespace,
                "labels": {"pod-security.kubernetes.io/enforce": "restricted"},
            },
        }),
    )
}

/// Creates a Secret; its values go through standard input and are never printed.
pub(crate) fn make_secret(cluster: &Cluster, name: &str, values: &[(&str, &str)]) -> Result<()> {
    make_values(cluster, "Secret", name, "stringData", values)
}

/// Makes a `ConfigMap`.
pub(crate) fn make_config_map(
    cluster: &Cluster,
    name: &str,
    values: &[(&str, &str)],
) -> Result<()> {
    make_values(cluster, "ConfigMap", name, "data", values)
}

fn make_values(
    cluster: &Cluster,
    kind: &str,
    name: &str,
    member: &str,
    values: &[(&str, &str)],
) -> Result<()> {
    let values: serde_json::Map<String, Value> = values
        .iter()
        .map(|(key, value)| ((*key).to_owned(), json!(value)))
        .collect();
    apply(
        cluster,
        &json!({
            "apiVersion": "v1",
            "kind": kind,
            "metadata": {"name": name},
            member: values,
        }),
    )
}

/// Deletes the namespace with its contents.
pub(crate) fn remove(cluster: &Cluster) -> Result<()> {
    cluster
        .kubectl()
        .args([
            "delete",
            "namespace",
            &cluster.namespace,
            "--ignore-not-found",
            "--timeout=120s",
        ])
        .arg("--request-timeout=0")
        .run()
}

/// Address of the first node, reachable from pods.
pub(crate) fn node_address(cluster: &Cluster) -> Result<IpAddr> {
    let nodes = cluster.get(&["nodes"])?;
    items(&nodes)
        .flat_map(|node| node["status"]["addresses"].as_array().into_iter().flatten())
        .find(|address| address["type"] == "InternalIP")
        .and_then(|address| address["address"].as_str()?.parse().ok())
        .context("no node has an InternalIP")
}

/// Address of the release's Service.
pub(crate) fn service_address(cluster: &Cluster) -> Result<SocketAddr> {
    let service = cluster.get(&["service", RELEASE])?;
    let ip: IpAddr = service["spec"]["clusterIP"]
        .as_str()
        .context("the Service has no address")?
        .parse()?;
    let port = service["spec"]["ports"][0]["port"].as_u64().unwrap_or(80);
    Ok(SocketAddr::new(ip, u16::try_from(port)?))
}

/// Address of the release's Gateway, if it has one.
pub(crate) fn gateway_address(cluster: &Cluster) -> Result<Option<SocketAddr>> {
    let Some(gateway) = cluster
        .find("gateways.gateway.networking.k8s.io", RELEASE)
        .unwrap_or_default()
    else {
        return Ok(None);
    };
    let ip = gateway["status"]["addresses"][0]["value"].as_str();
    let ip = ip.context("the Gateway has no address yet")?;
    Ok(Some(SocketAddr::new(ip.parse()?, 443)))
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
