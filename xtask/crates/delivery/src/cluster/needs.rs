//! Prerequisites of a release: permissions, and Secrets that the chart does not create.
//!
//! Only the names of a Secret's keys are read, never a value.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result};
use serde::Deserialize;
use serde_json::{Value, json};

use super::RELEASE;
use super::changes::Objects;
use super::kubectl::Cluster;
use super::ownership;
use xtask::failure::{Failure, Kind};

/// What a deploy does in the release's namespace; Terraform makes the deployer's Role from the same file.
const RULES: &str = "terraform/modules/platform/deployer-rules.yaml";

/// Secrets and the keys used from each.
type Secrets = BTreeMap<String, BTreeSet<String>>;

/// Refuses if a Secret or one of its keys does not exist.
pub(crate) fn check_secrets(cluster: &Cluster, objects: &Objects) -> Result<()> {
    let mut missing = Vec::new();
    for (secret, keys) in secrets(objects) {
        let found = cluster
            .kubectl()
            .args(["get", "secret", &secret, "--ignore-not-found"])
            .arg("--output=go-template={{.metadata.name}}{{range $key, $_ := .data}} {{$key}}{{end}}")
            .quiet()
            .output()?;
        let mut words = found.split_whitespace();
        if words.next().is_none() {
            let keys: Vec<_> = keys.iter().map(String::as_str).collect();
            missing.push(format!("Secret {secret} (keys: {})", keys.join(", ")));
            continue;
        }
        let present: BTreeSet<&str> = words.collect();
        for key in keys.iter().filter(|key| !present.contains(key.as_str())) {
            missing.push(format!("key {key} of the Secret {secret}"));
        }
    }
    if missing.is_empty() {
        return Ok(());
    }
    Err(Failure::new(
        Kind::Refused,
        format!(
            "missing in the namespace {}: {}; nothing was changed",
            cluster.namespace,
            missing.join(", ")
        ),
        "the chart contains no Secrets: they are created before it is installed",
        "see helm-chart/README.md, \"Before the first install\"",
    )
    .into())
}

/// Refuses values that name the release's objects differently: a deploy watches, patches and rolls them back by name.
pub(crate) fn check_names(objects: &Objects) -> Result<()> {
    if objects.contains_key(&format!("Deployment/{RELEASE}")) {
        return Ok(());
    }
    Err(Failure::new(
        Kind::Usage,
        format!("the values rename the release's Deployment, which a deploy expects as {RELEASE}; nothing was changed"),
        "nameOverride or fullnameOverride is set; they are for releases that helm, Flux or Argo CD install",
        "remove both from the values",
    )
    .into())
}

/// The Secrets that pods mount, without those that cert-manager creates.
fn secrets(objects: &Objects) -> Secrets {
    let mut wanted = Secrets::new();
    for object in objects.values() {
        let pod = match object["kind"].as_str() {
            Some("Pod") => &object["spec"],
            Some("Deployment" | "Job") => &object["spec"]["template"]["spec"],
            _ => continue,
        };
        for volume in list(&pod["volumes"]) {
            let secret = &volume["secret"];
            if let Some(name) = secret["secretName"].as_str() {
                let keys = list(&secret["items"]).filter_map(|item| item["key"].as_str());
                wanted
                    .entry(name.to_owned())
                    .or_default()
                    .extend(keys.map(str::to_owned));
            }
        }
    }
    for object in objects
        .values()
        .filter(|object| object["kind"] == "Certificate")
    {
        if let Some(made) = object["spec"]["secretName"].as_str() {
            wanted.remove(made);
        }
    }
    wanted
}

/// One thing that a deploy does: verb, API group and resource, as in a Kubernetes Role.
struct Permission {
    verb: String,
    group: String,
    resource: String,
}

/// The rules of the deployer's Role, from which Terraform makes that Role.
#[derive(Deserialize)]
struct DeployerRules {
    /// What every deploy needs.
    release: Vec<Rule>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Rule {
    api_groups: Vec<String>,
    resources: Vec<String>,
    verbs: Vec<String>,
}

fn permissions(rules: &str) -> Result<Vec<Permission>> {
    let rules: DeployerRules = serde_saphyr::from_str(rules)?;
    let mut found = Vec::new();
    for rule in &rules.release {
        for (group, resource) in rule
            .api_groups
            .iter()
            .flat_map(|group| rule.resources.iter().map(move |resource| (group, resource)))
        {
            found.extend(rule.verbs.iter().map(|verb| Permission {
                verb: verb.clone(),
                group: group.clone(),
                resource: resource.clone(),
            }));
        }
    }
    Ok(found)
}

/// Refuses if we lack a permission that a deploy needs.
pub(crate) fn check_permissions(cluster: &Cluster) -> Result<()> {
    let rules = std::fs::read_to_string(RULES).with_context(|| format!("cannot read {RULES}"))?;
    let wanted = permissions(&rules).with_context(|| format!("{RULES} is not well formed"))?;
    let reviews: Vec<Value> = wanted
        .iter()
        .map(
            |Permission {
                 verb,
                 group,
                 resource,
             }| {
                let (resource, subresource) = resource.split_once('/').unwrap_or((resource, ""));
                json!({
                    "apiVersion": "authorization.k8s.io/v1",
                    "kind": "SelfSubjectAccessReview",
                    "spec": {"resourceAttributes": {
                        "namespace": cluster.namespace, "verb": verb, "group": group,
                        "resource": resource, "subresource": subresource,
                    }},
                })
            },
        )
        .collect();
    let list = json!({"apiVersion": "v1", "kind": "List", "items": reviews});
    let answers = cluster
        .kubectl()
        .args([
            "create",
            "--filename=-",
            "--output=jsonpath={.status.allowed} ",
        ])
        .stdin(list.to_string())
        .quiet()
        .output()?;
    let denied: Vec<String> = answers
        .split_whitespace()
        .zip(&wanted)
        .filter(|(allowed, _)| *allowed != "true")
        .map(|(_, wanted)| format!("{} {}", wanted.verb, wanted.resource))
        .collect();
    if denied.is_empty() {
        return Ok(());
    }
    Err(Failure::new(
        Kind::Refused,
        format!(
            "missing permissions to deploy to the namespace {}",
            cluster.namespace
        ),
        format!("the cluster denies: {}", denied.join(", ")),
        format!("ask for the Role roster-deployer ({RULES}), or log in as somebody who has it"),
    )
    .into())
}

/// Submits the objects to the cluster's admission as a dry run.
pub(crate) fn check_admission(cluster: &Cluster, objects: &Objects) -> Result<()> {
    let Some(why) = ownership::rejection(cluster, objects)? else {
        return Ok(());
    };
    Err(Failure::new(
        Kind::Refused,
        "the cluster rejects the chart's objects; nothing was changed",
        why,
        "correct the values it names, or install the missing CRD; if somebody changed the objects by hand, --take-over replaces what cannot be merged",
    )
    .into())
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

#[cfg(test)]
mod tests;
