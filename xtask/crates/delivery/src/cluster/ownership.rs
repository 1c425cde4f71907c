//! Fields of the release that somebody else has set, as with `kubectl patch`: who owns them, and taking them back.
//!
//! The API server knows the owner of every field (`metadata.managedFields`) and refuses a server-side apply that would
//! change another's. Helm 4 applies that way and fails; Helm 3 overwrites without a word. A deploy asks first, with
//! both.

use std::collections::BTreeSet;
use std::fmt;

use anyhow::Result;
use serde_json::{Value, json};

use super::RELEASE;
use super::changes::Objects;
use super::kubectl::{Cluster, name};
use super::managed_fields;
use xtask::failure::{Failure, Kind};

/// The name under which helm owns fields, whichever version and program name.
const HELM: &str = "helm";

/// A field that somebody else owns, and that a deploy would change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Conflict {
    /// `HorizontalPodAutoscaler/roster`.
    object: String,
    /// As the API server writes it, such as `.spec.maxReplicas`.
    field: String,
    owner: String,
}

impl fmt::Display for Conflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {} (by {})", self.field, self.object, self.owner)
    }
}

/// How an apply is tried.
#[derive(Clone, Copy)]
enum Apply {
    /// Another's field is a conflict.
    Asking,
    /// Another's field is changed.
    Forced,
}

/// Refuses to change fields that somebody else has set.
pub(crate) fn refuse(conflicts: &[Conflict]) -> Result<()> {
    if conflicts.is_empty() {
        return Ok(());
    }
    let conflicts: Vec<_> = conflicts.iter().map(ToString::to_string).collect();
    Err(Failure::new(
        Kind::Refused,
        format!(
            "somebody else has changed fields of the release: {}; nothing was changed",
            conflicts.join(", ")
        ),
        "a deploy would overwrite them with what the chart says",
        "put the change into the values (helm-chart/environments), or run it again with --take-over to take the fields back",
    )
    .into())
}

/// The fields of these objects that are not helm's and that a deploy would change, or that somebody has added to the
/// Deployment: a variable by hand stays through every upgrade and rollback, even if pods crash by it.
pub(crate) fn conflicts(cluster: &Cluster, objects: &Objects) -> Result<Vec<Conflict>> {
    let mut found = added_to(cluster, objects)?;
    // One call for all says whether there is a conflict, but not in which object.
    if refusal_of_all(cluster, objects, Apply::Asking)?
        .is_some_and(|why| !parse("", &why).is_empty())
    {
        for (name, object) in lasting(objects) {
            if let Some(why) = refusal(cluster, object, Apply::Asking)? {
                found.extend(parse(name, &why));
            }
        }
    }
    // After an upgrade by Helm 3, helm has two entries, which conflict with each other.
    found.retain(|conflict| conflict.owner != HELM);
    found.sort_by_key(ToString::to_string);
    found.dedup();
    Ok(found)
}

/// What somebody has added to the Deployment.
fn added_to(cluster: &Cluster, objects: &Objects) -> Result<Vec<Conflict>> {
    let name = format!("Deployment/{RELEASE}");
    if !objects.contains_key(&name) {
        return Ok(Vec::new());
    }
    let live = cluster
        .kubectl()
        .args(["get", "deployment", RELEASE, "--ignore-not-found"])
        .args(["--show-managed-fields", "--output=json"])
        .quiet()
        .output()?;
    if live.trim().is_empty() {
        return Ok(Vec::new());
    }
    Ok(managed_fields::added(&serde_json::from_str(&live)?)
        .into_iter()
        .map(|(owner, field)| conflict(&name, &field, &owner))
        .collect())
}

/// Submits the objects as a dry run that takes every field; why the cluster rejects them, if it does.
pub(crate) fn rejection(cluster: &Cluster, objects: &Objects) -> Result<Option<String>> {
    refusal_of_all(cluster, objects, Apply::Forced)
}

/// Makes each live object again what these say, where no apply does: fields that somebody has added, and fields that
/// exclude each other, such as a `valueFrom` by hand beside the release's `value`. Returns the names of those objects.
pub(crate) fn replace_unmergeable(cluster: &Cluster, objects: &Objects) -> Result<Vec<String>> {
    let mut names: BTreeSet<String> = added_to(cluster, objects)?
        .into_iter()
        .map(|added| added.object)
        .collect();
    if rejection(cluster, objects)?.is_some() {
        for (name, object) in lasting(objects) {
            if refusal(cluster, object, Apply::Forced)?.is_some() {
                names.insert(name.clone());
            }
        }
    }
    let mut replaced = Vec::new();
    for name in names {
        let (kind, id) = name.split_once('/').unwrap_or((&name, ""));
        if let (Some(live), Some(object)) = (cluster.find(kind, id)?, objects.get(&name)) {
            replace(cluster, &live, object)?;
            replaced.push(name);
        }
    }
    Ok(replaced)
}

/// Replaces the live object, and leaves helm as its only owner beside the cluster's own.
fn replace(cluster: &Cluster, live: &Value, object: &Value) -> Result<()> {
    let mut wanted = object.clone();
    // Helm refuses to go on with an object that does not carry its marks.
    for part in ["labels", "annotations"] {
        let marks = live["metadata"][part].as_object().into_iter().flatten();
        for (key, value) in marks.filter(|(key, _)| is_helms_mark(key)) {
            wanted["metadata"][part][key.as_str()] = value.clone();
        }
    }
    let applied = wanted.clone();
    // A replacement without them would reset the autoscaler's choice to one pod.
    if !live["spec"]["replicas"].is_null() {
        wanted["spec"]["replicas"] = live["spec"]["replicas"].clone();
    }
    let kubectl = |args: &[&str], object: &Value| {
        let run = cluster.kubectl().args(args);
        run.stdin(object.to_string()).quiet().output()
    };
    kubectl(
        &["replace", "--field-manager=helm", "--filename=-"],
        &wanted,
    )?;
    let apply = [
        "apply",
        "--server-side",
        "--force-conflicts",
        "--field-manager=helm",
    ];
    let output = ["--filename=-", "--show-managed-fields", "--output=json"];
    let now = kubectl(&[apply.as_slice(), output.as_slice()].concat(), &applied)?;
    // The replacement made helm an owner by another operation, with which its applies would conflict.
    let fields = managed_fields::without_updates(&serde_json::from_str(&now)?);
    let patch = json!({"metadata": {"managedFields": fields}}).to_string();
    let kind = object["kind"].as_str().unwrap_or_default();
    let patched = cluster.kubectl().args([
        "patch",
        kind,
        name(object),
        "--type=merge",
        "--patch",
        &patch,
    ]);
    patched.quiet().output().map(drop)
}

fn is_helms_mark(key: &str) -> bool {
    key.starts_with("meta.helm.sh/") || key == "app.kubernetes.io/managed-by"
}

/// What the API server answers to a dry run of an apply, if it refuses.
fn refusal(cluster: &Cluster, object: &Value, how: Apply) -> Result<Option<String>> {
    let mut run = cluster
        .kubectl()
        .args(["apply", "--server-side", "--dry-run=server"])
        .args(["--field-manager=helm", "--filename=-", "--output=name"]);
    if matches!(how, Apply::Forced) {
        run = run.arg("--force-conflicts");
    }
    match run.stdin(object.to_string()).quiet().output() {
        Ok(_) => Ok(None),
        Err(error) => match error.downcast::<Failure>() {
            Ok(failure) if failure.kind == Kind::Check => Ok(Some(failure.why)),
            Ok(failure) => Err(failure.into()),
            Err(error) => Err(error),
        },
    }
}

fn refusal_of_all(cluster: &Cluster, objects: &Objects, how: Apply) -> Result<Option<String>> {
    let items: Vec<&Value> = lasting(objects).map(|(_, object)| object).collect();
    let all = json!({"apiVersion": "v1", "kind": "List", "items": items});
    refusal(cluster, &all, how)
}

/// The objects that stay, which hooks do not.
fn lasting(objects: &Objects) -> impl Iterator<Item = (&String, &Value)> {
    objects
        .iter()
        .filter(|(_, object)| object["metadata"]["annotations"]["helm.sh/hook"].is_null())
}

/// Reads the conflicts in kubectl's message: `conflict with "owner" using autoscaling/v2: .spec.maxReplicas`, or several
/// fields on lines of their own.
fn parse(object: &str, message: &str) -> Vec<Conflict> {
    let mut found = Vec::new();
    let mut owner: Option<String> = None;
    for line in message.lines() {
        let mut rest = line.trim();
        if let Some(field) = rest.strip_prefix("- ")
            && let Some(owner) = owner.as_deref()
        {
            found.push(conflict(object, field, owner));
            continue;
        }
        owner = None;
        while let Some((_, after)) = rest
            .split_once("conflict with \"")
            .or_else(|| rest.split_once("conflicts with \""))
        {
            let Some((name, after)) = after.split_once('"') else {
                break;
            };
            owner = Some(name.to_owned());
            let field = after.split_once(": ").map(|(_, field)| field.trim());
            if let Some(field) = field.filter(|field| !field.is_empty()) {
                found.push(conflict(object, field, name));
            }
            rest = after;
        }
    }
    found
}

fn conflict(object: &str, field: &str, owner: &str) -> Conflict {
    Conflict {
        object: object.to_owned(),
        field: field.trim().to_owned(),
        owner: owner.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::parse;

    fn read(message: &str) -> Vec<String> {
        parse("Kind/a", message)
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    #[test]
    fn field_and_owner_are_read_from_the_api_servers_message() {
        let one = "error: Apply failed with 1 conflict: conflict with \"kubectl-patch\" using autoscaling/v2: .spec.maxReplicas\nPlease review the fields above";
        assert_eq!(
            read(one),
            [".spec.maxReplicas of Kind/a (by kubectl-patch)"]
        );
        let several = "Apply failed with 3 conflicts: conflicts with \"kubectl-patch\" using apps/v1:\n- .spec.a\n- .spec.template.spec.containers[name=\"roster\"].image\nconflicts with \"argo cd\" using v1:\n- .spec.b\nPlease review the fields above--they currently have other managers. Here\n* If you intend to manage all of these fields";
        assert_eq!(
            read(several),
            [
                ".spec.a of Kind/a (by kubectl-patch)",
                ".spec.template.spec.containers[name=\"roster\"].image of Kind/a (by kubectl-patch)",
                ".spec.b of Kind/a (by argo cd)",
            ]
        );
        assert!(read("admission webhook denied the request").is_empty());
    }
}
