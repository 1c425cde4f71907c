//! Scaling by real CPU load: readers at full speed until there are more pods; then no load until there are as few as
//! before.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use super::Stage;
use crate::cluster::RELEASE;
use crate::e2e::load::{Load, Mix};
use xtask::failure::{Failure, Kind};
use xtask::interrupt;

/// More than a pod can serve, so that the readers saturate it.
const AS_FAST_AS_ANSWERED: u64 = 100_000;
/// Metrics and the autoscaler update every 15 seconds.
const LONGEST: Duration = Duration::from_mins(5);

/// The autoscaler's desired and current state.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Pods {
    fewest: u64,
    wanted: u64,
    ready: u64,
    all: u64,
}

impl Stage<'_> {
    pub(super) fn scale(&mut self) -> Result<()> {
        let targets = self.targets.clone();
        self.under_load("scaling out and in", &targets, false, |stage| {
            let is_small =
                |pods: Pods| pods.wanted == pods.fewest && pods.all == pods.fewest && pods.ready == pods.all;
            let before = stage.wait_for_pods("the minimum number of pods", is_small)?;
            let begun = Instant::now();
            let readers = Load::begin(&stage.targets[0], AS_FAST_AS_ANSWERED, Mix::Reads)?;
            let grown = stage.wait_for_pods("more pods, all ready", |pods| {
                pods.wanted > before.fewest && pods.ready >= pods.wanted
            });
            let out = begun.elapsed();
            let account = readers.end();
            printing::eprintln!("  readers: {account}");
            let grown = grown?;
            anyhow::ensure!(account.failed == 0, "the readers: {account}: {:?}", account.failures);
            let begun = Instant::now();
            stage.wait_for_pods("as few pods as before", is_small)?;
            Ok(format!(
                "{} pods, {} after {:.0} s of {} reads (0 failed), {0} again {:.0} s after their end",
                before.all,
                grown.ready,
                out.as_secs_f64(),
                account.requests,
                begun.elapsed().as_secs_f64()
            ))
        })
    }

    fn wait_for_pods(&self, what: &str, is_so: impl Fn(Pods) -> bool) -> Result<Pods> {
        let begun = Instant::now();
        let mut last = None;
        loop {
            let (pods, load) = self.pods_and_load()?;
            if last != Some(pods) {
                last = Some(pods);
                printing::eprintln!(
                    "  {:.0} s: the autoscaler wants {}, {} of {} are ready; CPU {load}",
                    begun.elapsed().as_secs_f64(),
                    pods.wanted,
                    pods.ready,
                    pods.all
                );
            }
            if is_so(pods) {
                return Ok(pods);
            }
            if begun.elapsed() > LONGEST || interrupt::requested() {
                return Err(Failure::new(
                    Kind::Check,
                    format!("the autoscaler did not reach {what}"),
                    format!(
                        "after {} s it wants {}, {} are ready; CPU {load}",
                        begun.elapsed().as_secs(),
                        pods.wanted,
                        pods.ready
                    ),
                    "check: kubectl describe hpa roster; kubectl top pods",
                )
                .into());
            }
            thread::sleep(Duration::from_secs(2));
        }
    }

    fn pods_and_load(&self) -> Result<(Pods, String)> {
        let autoscaler = self.cluster.get(&["hpa", RELEASE])?;
        let deployment = self
            .cluster
            .deployment()?
            .context("there is no Deployment")?;
        let number = |value: &serde_json::Value| value.as_u64().unwrap_or_default();
        let load = autoscaler
            .pointer("/status/currentMetrics/0/containerResource/current/averageUtilization")
            .and_then(serde_json::Value::as_u64);
        let pods = Pods {
            fewest: number(&autoscaler["spec"]["minReplicas"]),
            wanted: number(&autoscaler["status"]["desiredReplicas"]),
            ready: number(&deployment["status"]["readyReplicas"]),
            all: number(&deployment["status"]["replicas"]),
        };
        let load = load.map_or_else(|| "not measured yet".to_owned(), |load| format!("{load} %"));
        Ok((pods, load))
    }
}
