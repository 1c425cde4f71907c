//! Reports what runs where at the end of a deploy, and decides whether there is nothing to do.

use anyhow::Result;
use serde_json::Value;

use super::choose::Chosen;
use crate::cluster::RELEASE;
use crate::cluster::environment::Environment;
use crate::cluster::helm::{self, Helm};
use crate::cluster::kubectl::{self, Cluster, SERVERS};
use xtask::steps::Steps;

/// Whether every wanted pod exists and is ready.
pub(super) fn is_serving(cluster: &Cluster) -> Result<bool> {
    let Some(deployment) = cluster.deployment()? else {
        return Ok(false);
    };
    let wanted = deployment["spec"]["replicas"].as_u64();
    Ok(wanted.is_some_and(|count| count > 0)
        && deployment["status"]["availableReplicas"].as_u64() >= wanted)
}

/// What runs where.
pub(super) fn print(
    helm: &Helm,
    image: &Chosen,
    steps: &Steps,
    environment: &Environment,
) -> Result<()> {
    let history = helm.history()?;
    let serving = helm::serving(&history);
    printing::println!();
    printing::println!("url       {}", url(&helm.cluster)?);
    printing::println!("image     {}", image.reference);
    printing::println!(
        "commit    {} {}",
        image.revision,
        image.subject.as_deref().unwrap_or_default()
    );
    if let Some(serving) = serving {
        printing::println!(
            "release   {RELEASE}, revision {}, chart {}",
            serving.number,
            serving.chart
        );
    }
    for pod in helm.cluster.pods(SERVERS)? {
        printing::println!(
            "pod       {} on {} ({}, {} restarts)",
            kubectl::name(&pod),
            pod["spec"]["nodeName"].as_str().unwrap_or("no node"),
            if kubectl::is_ready(&pod) {
                "ready"
            } else {
                "not ready"
            },
            kubectl::restarts(&pod),
        );
    }
    printing::println!("{}", steps.table());
    if !environment.confirm {
        printing::println!(
            "try it    cargo xtask call --env {} POST /v1/users '{}'",
            environment.name,
            r#"{"email": "ada@example.com", "name": "Ada Lovelace"}"#
        );
    }
    Ok(())
}

/// The URL of the service: with its hostname, if it has one.
pub(crate) fn url(cluster: &Cluster) -> Result<String> {
    let host = |object: Option<Value>, path: &str| {
        object.and_then(|object| object.pointer(path)?.as_str().map(str::to_owned))
    };
    let ingress = cluster.find("ingress", RELEASE)?;
    if let Some(host) = host(ingress, "/spec/rules/0/host") {
        return Ok(format!("https://{host}/"));
    }
    // The Gateway API may not be installed.
    let route = cluster.find("httproute", RELEASE).unwrap_or_default();
    if let Some(host) = host(route, "/spec/hostnames/0") {
        return Ok(format!("https://{host}/"));
    }
    let service = cluster.find("service", RELEASE)?;
    let port = service
        .and_then(|service| service.pointer("/spec/ports/0/port")?.as_u64())
        .unwrap_or(80);
    let scheme = if port == 443 { "https" } else { "http" };
    Ok(format!(
        "{scheme}://{RELEASE}.{}.svc:{port}/ (inside the cluster)",
        cluster.namespace
    ))
}
