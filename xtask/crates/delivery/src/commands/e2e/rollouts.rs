//! What changes the pods: an upgrade, a rollback, a drained node, and broken releases.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde_json::json;

use super::{Stage, values_file};
use crate::cli::RollbackArgs;
use crate::cluster::kubectl::{Cluster, SERVERS, name};
use crate::commands::rollback;
use crate::e2e::bad_release::{self, Fault};
use crate::e2e::load::Target;
use crate::e2e::redirecting::Redirecting;
use crate::image::reference::Repository;
use xtask::failure::{exit_code, report};

/// Selects the pod to evict.
const DRAINED: &str = "e2e-drain=yes";

impl Stage<'_> {
    pub(super) fn upgrade(&mut self, target: &Target) -> Result<()> {
        // Any change of the pods' template replaces every pod.
        let stamp = format!("{:?}", std::time::SystemTime::now());
        let values = values_file(&json!({"podAnnotations": {"e2e": stamp}}))?;
        let redirected = Redirecting::before(&self.image)?;
        if redirected.is_none() {
            self.note("not proven: a registry that redirects, because the registry is not on this machine");
        }
        self.under_load(
            "rolling upgrade",
            std::slice::from_ref(target),
            false,
            |stage| {
                let image = redirected.as_ref().map_or(&stage.image, Redirecting::image);
                stage.deploy(image, Some(values), 180)?;
                let redirected = redirected.map(|registry| registry.redirects());
                anyhow::ensure!(redirected != Some(0), "the registry was not asked");
                let note = redirected
                    .map(|count| format!("through a registry that redirected {count} requests"));
                Ok(note.unwrap_or_default())
            },
        )
    }

    pub(super) fn go_back(&mut self, target: &Target) -> Result<()> {
        self.under_load("rollback", std::slice::from_ref(target), false, |stage| {
            // Somebody has changed what the rollback restores.
            stage.patch("pdb", &json!({"spec": {"maxUnavailable": "50%"}}))?;
            rollback::run(&RollbackArgs {
                cluster: stage.cluster_args(),
                revision: None,
                yes: true,
                timeout: 180,
            })?;
            Ok(String::new())
        })
    }

    /// Drains a node of one pod: the node is cordoned, and the pod is evicted under the disruption budget. With a
    /// single node, its replacement waits until the node is uncordoned.
    pub(super) fn drain(&mut self, target: &Target) -> Result<()> {
        self.under_load(
            "node drain of one pod",
            std::slice::from_ref(target),
            false,
            |stage| {
                let pods = stage.cluster.pods(SERVERS)?;
                let pod = pods.first().context("there is no pod")?;
                let node = pod["spec"]["nodeName"].as_str();
                let node = node.context("the pod has no node")?.to_owned();
                let kubectl = || stage.cluster.kubectl();
                kubectl().args(["label", "pod", name(pod), DRAINED]).run()?;
                let closed = ClosedNode {
                    cluster: &stage.cluster,
                    name: node,
                };
                kubectl()
                    .args(["drain", &closed.name, "--pod-selector", DRAINED])
                    .args(["--ignore-daemonsets", "--delete-emptydir-data"])
                    .args(["--timeout=120s", "--request-timeout=0"])
                    .run()?;
                drop(closed);
                stage.wait_for_rollout()?;
                Ok(String::new())
            },
        )
    }

    pub(super) fn wait_for_rollout(&self) -> Result<()> {
        thread::sleep(Duration::from_secs(2));
        self.cluster
            .kubectl()
            .args(["rollout", "status", "deployment/roster", "--timeout=120s"])
            .arg("--request-timeout=0")
            .run()
    }

    /// Deploys a broken release: the deploy must report the cause and roll back without failed requests.
    pub(super) fn break_it(&mut self, fault: &Fault, target: &Target) -> Result<()> {
        let repository = Repository::parse(&self.args.repository)?;
        let bad = bad_release::push(fault, &repository)?;
        let exercise = format!("bad release ({})", fault.name);
        let targets = std::slice::from_ref(target);
        self.under_load(&exercise, targets, fault.reaches_users, |stage| {
            let begun = Instant::now();
            let Err(error) = stage.deploy(&bad, None, 45) else {
                anyhow::bail!(
                    "the deploy of a release with the fault `{}` succeeded",
                    fault.name
                );
            };
            let took = begun.elapsed().as_secs_f64();
            report(&error);
            let (code, wanted) = (exit_code(&error), fault.kind.exit_code());
            anyhow::ensure!(code == wanted, "it exited with {code} instead of {wanted}");
            stage.wait_for_rollout()?;
            Ok(format!(
                "exit code {code}, rolled back {took:.1} s after the start: {error}"
            ))
        })
    }
}

/// A node that is cordoned while this value lives.
struct ClosedNode<'a> {
    cluster: &'a Cluster,
    name: String,
}

impl Drop for ClosedNode<'_> {
    fn drop(&mut self) {
        let opened = self.cluster.kubectl().args(["uncordon", &self.name]).run();
        if let Err(error) = opened {
            printing::eprintln!(
                "the node {} is still cordoned ({error}): kubectl uncordon {0}",
                self.name
            );
        }
    }
}
