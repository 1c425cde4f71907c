//! Prerequisites of a release: permissions, and Secrets that the chart does not create.
//!
//! Only the names of a Secret's keys are read, never a value.

use std::collections::BTreeSet;

use anyhow::{Context, Result};
use serde::Deserialize;
use serde_json::{Value, json};

use super::RELEASE;
use super::changes::Objects;
use super::kubectl::Cluster;
use super::ownership;
use super::secrets::secrets;
use xtask::failure::{Failure, Kind};

/// What a deploy does in the release's namespace; Terraform makes the deployer's Role from the same file.
const RULES: &str = "terraform/modules/platform/deployer-rules.yaml";

/// Refuses if the namespace, a Secret or one of its keys does not exist.
pub(crate) fn check_secrets(cluster: &Cluster, objects: &Objects, environment: &str) -> Result<()> {
    let mut missing = Vec::new();
    if !namespace_exists(cluster)? {
        missing.push("the namespace itself".to_owned());
    }
    for (name, secret) in secrets(objects) {
        let Some(present) = keys_of(cluster, &name)? else {
            let keys: Vec<_> = secret.keys().collect();
            missing.push(format!("Secret {name} (keys: {})", keys.join(", ")));
            continue;
        };
        for key in secret.keys().filter(|key| !present.contains(*key)) {
            missing.push(format!("key {key} of the Secret {name}"));
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
        format!("create what is missing: cargo xtask setup --env {environment}"),
    )
    .into())
}

/// Whether the namespace exists. Who may not read it is taken to know.
pub(crate) fn namespace_exists(cluster: &Cluster) -> Result<bool> {
    let read = cluster
        .kubectl()
        .args(["get", "namespace", &cluster.namespace])
        .args(["--ignore-not-found", "--output=name"])
        .quiet()
        .output();
    match read {
        Ok(found) => Ok(!found.trim().is_empty()),
        Err(error) => match error.downcast_ref::<Failure>() {
            Some(failure) if failure.why.contains("(Forbidden)") => Ok(true),
            _ => Err(error),
        },
    }
}

/// The names of a Secret's keys, if it exists.
pub(crate) fn keys_of(cluster: &Cluster, secret: &str) -> Result<Option<BTreeSet<String>>> {
    let found = cluster
        .kubectl()
        .args(["get", "secret", secret, "--ignore-not-found"])
        .arg("--output=go-template={{.metadata.name}}{{range $key, $_ := .data}} {{$key}}{{end}}")
        .quiet()
        .output()?;
    let mut words = found.split_whitespace();
    Ok(words
        .next()
        .map(|_| words.map(str::to_owned).collect::<BTreeSet<String>>()))
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

#[cfg(test)]
mod tests;
