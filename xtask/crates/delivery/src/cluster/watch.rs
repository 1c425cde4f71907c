//! Watches a new release: its errors, restarts and readiness.
//!
//! The pods' metrics are read through the API server, so that no port needs to be reachable.

use std::collections::BTreeMap;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::RELEASE;
use super::kubectl::{Cluster, SERVERS, is_ready, name, restarts};
use xtask::interrupt;

/// A release with more than this share of 5xx is bad, after a minimum number of requests.
const LARGEST_ERROR_SHARE: f64 = 0.01;
const FEWEST_ERRORS: f64 = 5.0;
const LONGEST_UNREADY: Duration = Duration::from_secs(10);
/// A first install has one pod until the autoscaler runs, which it does every 15 seconds.
const LONGEST_FEW: Duration = Duration::from_mins(1);

/// What was seen.
pub(crate) enum Sight {
    /// The release is healthy: requests and errors served meanwhile.
    Well { requests: f64, errors: f64 },
    /// The release is not healthy: why.
    Bad(String),
    /// The pods' metrics could not be read.
    Blind,
}

/// Minimum number of samples, however slow the cluster is.
const FEWEST_LOOKS: u32 = 3;

/// The metrics of one pod.
#[derive(Clone, Copy, Default)]
struct Counted {
    requests: f64,
    errors: f64,
}

/// One sample of all pods.
#[derive(Default)]
struct Look {
    restarts: u64,
    pods: usize,
    unready: usize,
    /// Missing pods.
    missing: usize,
    /// Pods whose metrics could be read, by name.
    counted: BTreeMap<String, Counted>,
}

impl Look {
    /// How many pods do not serve, and the deadline for it.
    fn not_serving(&self) -> Option<(usize, Duration)> {
        if self.unready > 0 || self.pods == 0 {
            return Some((self.unready + self.missing, LONGEST_UNREADY));
        }
        (self.missing > 0).then_some((self.missing, LONGEST_FEW))
    }
}

/// Watches for this duration and until every pod serves; ends at the first sign that the release is bad.
pub(crate) fn watch(cluster: &Cluster, length: Duration) -> Sight {
    let begun = Instant::now();
    let first = look(cluster);
    let mut seen = first.counted.clone();
    let mut unready_since: Option<(Duration, Instant)> = None;
    let mut looks = 0;
    while (begun.elapsed() < length || looks < FEWEST_LOOKS || unready_since.is_some())
        && !interrupt::requested()
    {
        thread::sleep(Duration::from_secs(2));
        let now = look(cluster);
        looks += 1;
        let (not_serving, wanted) = (now.not_serving(), now.pods + now.missing);
        // A pod that did not respond keeps its last metrics.
        seen.extend(now.counted);
        let served = since(&first.counted, &seen);
        if served.errors >= FEWEST_ERRORS && served.errors > served.requests * LARGEST_ERROR_SHARE {
            return Sight::Bad(format!(
                "{} of {} requests got 5xx",
                served.errors, served.requests
            ));
        }
        if now.restarts > first.restarts {
            let restarts = now.restarts - first.restarts;
            return Sight::Bad(format!("pods were restarted {restarts} times"));
        }
        let Some((count, longest)) = not_serving else {
            unready_since = None;
            continue;
        };
        // A pod that is created late has its own time to become ready.
        let same = unready_since.filter(|(of, _)| *of == longest);
        let begun = same.map_or_else(Instant::now, |(_, begun)| begun);
        unready_since = Some((longest, begun));
        if begun.elapsed() > longest {
            return Sight::Bad(format!("{count} of {wanted} pods are not ready"));
        }
    }
    if seen.is_empty() {
        return Sight::Blind;
    }
    let served = since(&first.counted, &seen);
    Sight::Well {
        requests: served.requests,
        errors: served.errors,
    }
}

/// Requests served between two samples; for a new pod, all that it reports.
fn since(first: &BTreeMap<String, Counted>, last: &BTreeMap<String, Counted>) -> Counted {
    let mut sum = Counted::default();
    for (pod, counted) in last {
        let before = first.get(pod).copied().unwrap_or_default();
        sum.requests += counted.requests - before.requests;
        sum.errors += counted.errors - before.errors;
    }
    sum
}

fn look(cluster: &Cluster) -> Look {
    let mut look = Look::default();
    let autoscaler = cluster.find("hpa", RELEASE).unwrap_or_default();
    let fewest = autoscaler.and_then(|autoscaler| autoscaler["spec"]["minReplicas"].as_u64());
    let fewest = usize::try_from(fewest.unwrap_or_default()).unwrap_or_default();
    for pod in cluster.pods(SERVERS).unwrap_or_default() {
        look.pods += 1;
        look.unready += usize::from(!is_ready(&pod));
        look.restarts += restarts(&pod);
        if let Some(metrics) = metrics(cluster, &pod) {
            let (requests, errors) = requests(&metrics);
            look.counted
                .insert(name(&pod).to_owned(), Counted { requests, errors });
        }
    }
    look.missing = fewest.saturating_sub(look.pods);
    look
}

fn metrics(cluster: &Cluster, pod: &Value) -> Option<String> {
    ask_pod(cluster, pod, "metrics")
}

/// What the pod's admin port answers to this path.
pub(crate) fn ask_pod(cluster: &Cluster, pod: &Value, what: &str) -> Option<String> {
    let path = format!(
        "/api/v1/namespaces/{}/pods/{}:{}/proxy/{what}",
        cluster.namespace,
        name(pod),
        admin_port(pod)
    );
    cluster
        .kubectl()
        .args(["get", "--raw", &path])
        .quiet()
        .output()
        .ok()
}

/// The port of metrics, which the chart's `config.adminListen` moves.
fn admin_port(pod: &Value) -> u64 {
    let containers = pod["spec"]["containers"].as_array().into_iter().flatten();
    let mut ports =
        containers.flat_map(|container| container["ports"].as_array().into_iter().flatten());
    let admin = ports.find(|port| port["name"] == "admin");
    admin
        .and_then(|port| port["containerPort"].as_u64())
        .unwrap_or(8081)
}

/// All requests, and those that got 5xx.
fn requests(metrics: &str) -> (f64, f64) {
    let (mut all, mut errors) = (0.0, 0.0);
    for line in metrics.lines() {
        let Some(sample) = line.strip_prefix("roster_http_requests_total{") else {
            continue;
        };
        let Some((labels, value)) = sample.rsplit_once("} ") else {
            continue;
        };
        let value: f64 = value.trim().parse().unwrap_or_default();
        all += value;
        if labels.contains("code=\"5") {
            errors += value;
        }
    }
    (all, errors)
}

#[cfg(test)]
mod tests {
    use super::{Counted, LONGEST_FEW, LONGEST_UNREADY, Look, admin_port, requests, since};

    #[test]
    fn metrics_are_read_at_the_port_that_the_chart_gives_them() {
        let pod = serde_json::json!({"spec": {"containers": [
            {"name": "sidecar"},
            {"name": "roster", "ports": [
                {"name": "http", "containerPort": 8080}, {"name": "admin", "containerPort": 9091},
            ]},
        ]}});
        assert_eq!(admin_port(&pod), 9091);
    }

    #[test]
    fn a_pod_that_is_gone_does_not_hide_the_errors_of_another() {
        let counted = |requests, errors| Counted { requests, errors };
        let first = [
            ("gone".to_owned(), counted(900.0, 0.0)),
            ("here".to_owned(), counted(10.0, 0.0)),
        ];
        let last = [
            ("here".to_owned(), counted(30.0, 20.0)),
            ("new".to_owned(), counted(5.0, 5.0)),
        ];
        let served = since(&first.into(), &last.into());
        assert_eq!((served.requests, served.errors), (25.0, 25.0));
    }

    #[test]
    fn pods_that_the_autoscaler_has_yet_to_make_have_more_time_than_unready_ones() {
        let look = |pods, unready, missing| {
            Look {
                pods,
                unready,
                missing,
                ..Look::default()
            }
            .not_serving()
        };
        assert_eq!(look(2, 0, 0), None);
        assert_eq!(look(1, 0, 1), Some((1, LONGEST_FEW)));
        assert_eq!(look(2, 1, 0), Some((1, LONGEST_UNREADY)));
        assert_eq!(look(0, 0, 2), Some((2, LONGEST_UNREADY)));
    }

    #[test]
    fn only_5xx_are_errors_of_the_service() {
        let metrics = "# HELP roster_http_requests_total x\n\
            roster_http_requests_total{code=\"200\",method=\"GET\",route=\"/\"} 7\n\
            roster_http_requests_total{code=\"404\",method=\"GET\",route=\"/\"} 2\n\
            roster_http_requests_total{code=\"503\",method=\"GET\",route=\"/\"} 1\n\
            roster_http_requests_shed_total 5\n";
        assert_eq!(requests(metrics), (10.0, 1.0));
    }
}
