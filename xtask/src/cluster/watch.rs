//! Watches a release that has just begun to serve: its errors, restarts and readiness.
//!
//! The pods' own metrics are read through the API server, so that no port need be open to us.

use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::kubectl::{Cluster, SERVERS, is_ready, name, restarts};
use crate::interrupt;

/// A release with more than this share of 5xx is bad, once it has answered some.
const LARGEST_ERROR_SHARE: f64 = 0.01;
const FEWEST_ERRORS: f64 = 5.0;
const LONGEST_UNREADY: Duration = Duration::from_secs(10);

/// What was seen.
pub(crate) enum Sight {
    /// All is well: requests and errors that were served meanwhile.
    Well { requests: f64, errors: f64 },
    /// It is not: why.
    Bad(String),
    /// The pods' metrics could not be read.
    Blind,
}

#[derive(Clone, Copy, Default)]
struct Counted {
    requests: f64,
    errors: f64,
    restarts: u64,
    pods: usize,
    unready: usize,
    read: usize,
}

/// Looks on for so long; ends at the first sign that the release is bad.
pub(crate) fn watch(cluster: &Cluster, length: Duration) -> Sight {
    let begun = Instant::now();
    let first = count(cluster);
    let mut unready_since: Option<Instant> = None;
    let mut last = first;
    while begun.elapsed() < length && !interrupt::requested() {
        thread::sleep(Duration::from_secs(2));
        last = count(cluster);
        // Pods that were scaled away took their counts with them: compare rises only.
        let requests = (last.requests - first.requests).max(0.0);
        let errors = (last.errors - first.errors).max(0.0);
        if errors >= FEWEST_ERRORS && errors > requests * LARGEST_ERROR_SHARE {
            return Sight::Bad(format!(
                "{errors} of {requests} requests were answered with 5xx"
            ));
        }
        if last.restarts > first.restarts {
            return Sight::Bad(format!(
                "pods were restarted {} times",
                last.restarts - first.restarts
            ));
        }
        unready_since = (last.unready > 0 || last.pods == 0)
            .then(|| unready_since.unwrap_or_else(Instant::now));
        if unready_since.is_some_and(|since| since.elapsed() > LONGEST_UNREADY) {
            return Sight::Bad(format!(
                "{} of {} pods are not ready",
                last.unready, last.pods
            ));
        }
    }
    if last.read == 0 {
        return Sight::Blind;
    }
    Sight::Well {
        requests: (last.requests - first.requests).max(0.0),
        errors: (last.errors - first.errors).max(0.0),
    }
}

fn count(cluster: &Cluster) -> Counted {
    let mut counted = Counted::default();
    for pod in cluster.pods(SERVERS).unwrap_or_default() {
        counted.pods += 1;
        counted.unready += usize::from(!is_ready(&pod));
        counted.restarts += restarts(&pod);
        if let Some(metrics) = metrics(cluster, &pod) {
            let (requests, errors) = requests(&metrics);
            counted.requests += requests;
            counted.errors += errors;
            counted.read += 1;
        }
    }
    counted
}

fn metrics(cluster: &Cluster, pod: &Value) -> Option<String> {
    let path = format!(
        "/api/v1/namespaces/{}/pods/{}:8081/proxy/metrics",
        cluster.namespace,
        name(pod)
    );
    cluster
        .kubectl()
        .args(["get", "--raw", &path])
        .quiet()
        .output()
        .ok()
}

/// All requests, and those that were answered with 5xx.
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
    use super::requests;

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
