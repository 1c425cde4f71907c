//! What people and clusters put in the way of a deploy: fields changed by hand, pods that no node takes.

use std::time::Instant;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::{Stage, values_file};
use crate::cluster::RELEASE;
use crate::cluster::end_state::MIGRATION;
use crate::cluster::kubectl::items;
use crate::e2e::load::Target;
use xtask::failure::{Kind, exit_code, report};

/// What a person sets, and no chart would.
const BY_HAND: u64 = 41;
/// A variable that a person adds to the pods.
const VARIABLE: &str = "E2E_BY_HAND";

impl Stage<'_> {
    /// Changes an object of the release as a person does.
    pub(super) fn patch(&self, kind: &str, patch: &Value) -> Result<()> {
        let patch = patch.to_string();
        let kubectl = self.cluster.kubectl();
        kubectl
            .args(["patch", kind, RELEASE, "--type=merge", "--patch", &patch])
            .run()
    }

    /// A deploy names the field and its owner and changes nothing; with --take-over it takes the field back.
    pub(super) fn hand_patched(&mut self, target: &Target) -> Result<()> {
        let targets = std::slice::from_ref(target);
        self.under_load("autoscaler patched by hand", targets, false, |stage| {
            stage.patch("hpa", &json!({"spec": {"maxReplicas": BY_HAND}}))?;
            let mut args = stage.deploy_args(&stage.image, 180);
            let error = refused(stage.run_deploy(&args), Kind::Refused)?;
            let named = error.contains(".spec.maxReplicas") && error.contains("kubectl-patch");
            anyhow::ensure!(named, "neither field nor owner is named: {error}");
            args.take_over = true;
            stage.run_deploy(&args)?;
            let autoscaler = stage.cluster.get(&["hpa", RELEASE])?;
            let most = &autoscaler["spec"]["maxReplicas"];
            anyhow::ensure!(*most != BY_HAND, "the field was not taken back");
            Ok(format!(
                "exit code {}, then --take-over set {most}",
                Kind::Refused.exit_code()
            ))
        })
    }

    /// A deploy names a variable that somebody added, and changes nothing; with --take-over it removes it.
    pub(super) fn variable_by_hand(&mut self, target: &Target) -> Result<()> {
        let targets = std::slice::from_ref(target);
        self.under_load("variable added by hand", targets, false, |stage| {
            let deployment = format!("deployment/{RELEASE}");
            let kubectl = stage.cluster.kubectl();
            kubectl
                .args(["set", "env", &deployment, &format!("{VARIABLE}=1")])
                .run()?;
            stage.wait_for_rollout()?;
            let mut args = stage.deploy_args(&stage.image, 180);
            let error = refused(stage.run_deploy(&args), Kind::Refused)?;
            let named = error.contains(VARIABLE) && error.contains("kubectl-set");
            anyhow::ensure!(named, "neither variable nor owner is named: {error}");
            args.take_over = true;
            stage.run_deploy(&args)?;
            let deployment = stage.cluster.get(&["deployment", RELEASE])?;
            let left = deployment["spec"].to_string().contains(VARIABLE);
            anyhow::ensure!(!left, "the variable is still there");
            Ok(format!(
                "exit code {}, then --take-over removed it",
                Kind::Refused.exit_code()
            ))
        })
    }

    /// A migration that no node takes is reported in the scheduler's words; its Job is gone afterwards.
    pub(super) fn unschedulable(&mut self, target: &Target) -> Result<()> {
        let values = values_file(&json!({"nodeSelector": {"e2e": "no-such-node"}}))?;
        let targets = std::slice::from_ref(target);
        self.under_load("pods that no node takes", targets, false, |stage| {
            let begun = Instant::now();
            let error = refused(
                stage.deploy(&stage.image, Some(values), 15),
                Kind::PodsNotStarted,
            )?;
            let took = begun.elapsed().as_secs_f64();
            let left = stage.cluster.get(&["jobs,pods", "--selector", MIGRATION])?;
            anyhow::ensure!(items(&left).next().is_none(), "the migration's Job is left");
            Ok(format!("after {took:.1} s: {error}"))
        })
    }
}

/// The message of a deploy that must fail in this way.
fn refused(outcome: Result<()>, kind: Kind) -> Result<String> {
    let error = outcome.err().context("the deploy succeeded")?;
    report(&error);
    let (code, wanted) = (exit_code(&error), kind.exit_code());
    anyhow::ensure!(code == wanted, "it exited with {code} instead of {wanted}");
    Ok(error.to_string())
}
