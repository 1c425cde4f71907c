//! What a run found, as it is printed.

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The result of one run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Report {
    /// What was asked for.
    pub operation: String,
    /// Connections, each kept alive.
    pub connections: usize,
    /// Requests a second that were due, in an open loop.
    pub rate: Option<f64>,
    /// How long was measured.
    pub seconds: f64,
    /// Right answers within the measured time.
    pub requests: u64,
    /// Right answers a second.
    pub requests_per_second: f64,
    /// Answers that were wrong or missing, also while warming up.
    pub wrong_answers: u64,
    /// What was wrong with the first of them.
    pub first_wrong_answer: Option<String>,
    /// Connections that the service closed between two requests.
    pub reconnects: u64,
    /// Requests that were due and had no answer when the run ended; each counts as a wrong answer.
    pub unanswered: u64,
    /// Requests that were turned away with 503, within the measured time; none unless that was allowed.
    #[serde(default)]
    pub shed: u64,
    /// Latency of the right answers, from when each request was due.
    pub latency_us: Latency,
    /// The same, from when each request was sent.
    #[serde(default)]
    pub sent_latency_us: Option<Latency>,
    /// CPU time a request, by watched process; `load` is this one.
    pub cpu_us_per_request: BTreeMap<String, f64>,
    /// Resident memory at the end, by watched process of which it was asked for.
    pub resident_bytes: BTreeMap<String, u64>,
    /// The same, what processes share divided among them.
    pub proportional_bytes: BTreeMap<String, u64>,
}

/// Percentiles, in microseconds.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Latency {
    /// Half of the answers came within.
    pub p50: f64,
    /// Nine of ten.
    pub p90: f64,
    /// Of a hundred all but one.
    pub p99: f64,
    /// Of a thousand all but one.
    #[serde(rename = "p99.9")]
    pub p999: f64,
    /// The slowest.
    pub max: f64,
    /// The arithmetic mean.
    pub mean: f64,
}

impl Latency {
    /// Reads the percentiles off a histogram of nanoseconds.
    pub fn of(histogram: &Histogram<u64>) -> Self {
        #[expect(clippy::cast_precision_loss, reason = "a latency is far below 2^53 ns")]
        let at = |quantile| histogram.value_at_quantile(quantile) as f64 / 1000.0;
        let mean = histogram.mean() / 1000.0;
        Self {
            p50: at(0.5),
            p90: at(0.9),
            p99: at(0.99),
            p999: at(0.999),
            max: at(1.0),
            mean,
        }
    }
}
