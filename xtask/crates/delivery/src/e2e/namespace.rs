//! The namespace of an end-to-end test, and the addresses in it.

use std::net::{IpAddr, SocketAddr};

use anyhow::{Context, Result};

use crate::cluster::RELEASE;
use crate::cluster::kubectl::{Cluster, items};

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
