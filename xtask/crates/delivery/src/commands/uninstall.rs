//! `cargo xtask uninstall`: removes the release, and says what stays. Returns when the pods have ended.

use std::collections::BTreeMap;
use std::io::{IsTerminal as _, Write as _};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;
use serde_json::Value;

use crate::cli::UninstallArgs;
use crate::cluster::changes::{self, Objects};
use crate::cluster::connection::of_installed;
use crate::cluster::environment::Environment;
use crate::cluster::helm::Helm;
use crate::cluster::kubectl::{Cluster, SELECTOR, items, name};
use crate::cluster::lock::Lock;
use crate::cluster::made::MADE;
use crate::cluster::release;
use crate::cluster::remembered::Remembered;
use xtask::failure::{Failure, Kind};
use xtask::interrupt;

/// A pod has its grace period to end, and its successor none.
const LONGEST_END: Duration = Duration::from_mins(2);
/// What Kubernetes itself puts into every namespace.
const OWN: [&str; 1] = ["kube-root-ca.crt"];

/// Runs the command.
pub(crate) fn run(args: &UninstallArgs) -> Result<()> {
    interrupt::watch()?;
    let (environment, helm) = of_installed(&args.cluster)?;
    let history = helm.history()?;
    let made = made(&helm.cluster)?;
    if history.is_empty() && (made.is_empty() || !args.all) {
        printing::println!(
            "nothing to do: no release is installed in the namespace {}",
            helm.cluster.namespace
        );
        return Ok(());
    }
    show(&helm, &made, args.all)?;
    confirm(&environment, args.yes)?;
    if !history.is_empty() {
        let _lock = Lock::take(&helm.cluster)?;
        release::restore(&helm, None, Duration::from_secs(args.timeout))?;
        wait_for_pods(&helm.cluster)?;
        printing::println!("uninstalled; its pods have ended");
    }
    if args.all {
        // Somebody may just have uninstalled it with helm, which does not wait for them.
        wait_for_pods(&helm.cluster)?;
        remove_made(&helm.cluster, &made)?;
        Remembered::forget(args.cluster.env)?;
    }
    Ok(())
}

/// Says what goes and what stays.
fn show(helm: &Helm, made: &[String], all: bool) -> Result<()> {
    let cluster = &helm.cluster;
    printing::println!(
        "context {}, namespace {}:",
        cluster.context,
        cluster.namespace
    );
    if let Some(last) = helm.history()?.last() {
        let objects = changes::parse(&helm.installed(last.number)?)?;
        printing::println!(
            "  goes    release roster, revision {} {}: {}",
            last.number,
            last.what(),
            kinds(&objects)
        );
    }
    let word = if all { "goes " } else { "stays" };
    if !made.is_empty() {
        printing::println!("  {word}   of `setup`: {}", made.join(", "));
    }
    if !all {
        printing::println!("  stays   the namespace {}", cluster.namespace);
    }
    printing::println!("  stays   the database with every user, and Secrets that others made");
    Ok(())
}

/// `Deployment, 3 NetworkPolicies`, as a count of each kind.
fn kinds(objects: &Objects) -> String {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for object in objects.values() {
        *counts
            .entry(object["kind"].as_str().unwrap_or_default())
            .or_default() += 1;
    }
    let named = counts.iter().map(|(kind, count)| format!("{count} {kind}"));
    named.collect::<Vec<_>>().join(", ")
}

/// What `setup` made, as kinds and names; the namespace last.
fn made(cluster: &Cluster) -> Result<Vec<String>> {
    let found = cluster.get(&["secrets,configmaps", "--selector", MADE])?;
    let mut made: Vec<String> = items(&found)
        .map(|object| {
            let kind = object["kind"].as_str().unwrap_or_default();
            format!("{kind}/{}", name(object))
        })
        .collect();
    let namespaces = cluster.get(&["namespaces", "--selector", MADE]);
    // Who may not list namespaces did not make this one.
    let namespaces = namespaces.unwrap_or_default();
    if items(&namespaces).any(|namespace| name(namespace) == cluster.namespace) {
        made.push(format!("Namespace/{}", cluster.namespace));
    }
    Ok(made)
}

fn remove_made(cluster: &Cluster, made: &[String]) -> Result<()> {
    for object in made {
        if object.starts_with("Namespace/") {
            remove_namespace(cluster)?;
            continue;
        }
        cluster
            .kubectl()
            .args(["delete", object.as_str(), "--ignore-not-found"])
            .quiet()
            .output()?;
        printing::println!("deleted {object}");
    }
    Ok(())
}

/// Deletes the namespace, unless others have something in it.
fn remove_namespace(cluster: &Cluster) -> Result<()> {
    let kinds = "deployments,statefulsets,daemonsets,jobs,cronjobs,pods,services,secrets,configmaps,persistentvolumeclaims";
    let found = cluster.get(&[kinds])?;
    let others: Vec<String> = items(&found)
        .filter(|object| !OWN.contains(&name(object)) && !is_issued(object))
        .map(|object| {
            let kind = object["kind"].as_str().unwrap_or_default();
            format!("{kind}/{}", name(object))
        })
        .collect();
    if !others.is_empty() {
        printing::println!(
            "kept the namespace {}, because others use it: {}",
            cluster.namespace,
            others.join(", ")
        );
        return Ok(());
    }
    cluster
        .kubectl()
        .args(["delete", "namespace", &cluster.namespace, "--timeout=120s"])
        .arg("--request-timeout=0")
        .quiet()
        .output()?;
    printing::println!("deleted Namespace/{}", cluster.namespace);
    Ok(())
}

/// Whether cert-manager made it for a certificate of the release, and would make it again.
fn is_issued(object: &Value) -> bool {
    object["metadata"]["annotations"]["cert-manager.io/certificate-name"].is_string()
}

/// Waits until no pod of the release is left, terminating ones included.
fn wait_for_pods(cluster: &Cluster) -> Result<()> {
    let begun = Instant::now();
    loop {
        let pods = cluster.get(&["pods", "--selector", SELECTOR])?;
        let left: Vec<&str> = items(&pods).map(name).collect();
        if left.is_empty() {
            return Ok(());
        }
        if begun.elapsed() > LONGEST_END {
            return Err(Failure::new(
                Kind::Rollout,
                "the release was uninstalled, but some of its pods have not ended",
                left.join(", "),
                "see what they wait for: kubectl describe pod …",
            )
            .into());
        }
        interrupt::check()?;
        thread::sleep(Duration::from_secs(1));
    }
}

fn confirm(environment: &Environment, yes: bool) -> Result<()> {
    if yes && !environment.confirm {
        return Ok(());
    }
    let refused = |why: &str| {
        Failure::new(
            Kind::Refused,
            "nothing was uninstalled",
            why,
            "run it again in a terminal and answer with the environment's name; for dev, --yes does it too",
        )
    };
    if !std::io::stdin().is_terminal() {
        return Err(refused("it asks first, and standard input is not a terminal").into());
    }
    printing::eprint!("Uninstall it from {}? Type its name: ", environment.name);
    std::io::stderr().flush()?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer)?;
    if answer.trim() == environment.name {
        return Ok(());
    }
    Err(refused("the answer was not its name").into())
}

#[cfg(test)]
mod tests {
    use super::kinds;
    use crate::cluster::changes::parse;

    #[test]
    fn what_goes_is_counted_by_kind() {
        let manifest = "kind: Service\nmetadata: {name: a}\n---\nkind: Service\nmetadata: {name: b}\n---\nkind: Deployment\nmetadata: {name: a}\n";
        let objects = parse(manifest).expect("parses");
        assert_eq!(kinds(&objects), "1 Deployment, 2 Service");
    }
}
