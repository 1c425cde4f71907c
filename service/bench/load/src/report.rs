//! What a run found, as it is printed.

use hdrhistogram::Histogram;
use serde::Serialize;
use std::collections::BTreeMap;

/// The result of one run.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    pub(crate) operation: String,
    pub(crate) connections: usize,
    /// Requests a second that were due, in an open loop.
    pub(crate) rate: Option<f64>,
    pub(crate) seconds: f64,
    /// Right answers within the measured time.
    pub(crate) requests: u64,
    pub(crate) requests_per_second: f64,
    pub(crate) wrong_answers: u64,
    pub(crate) first_wrong_answer: Option<String>,
    /// Connections that the service closed between two requests.
    pub(crate) reconnects: u64,
    /// Requests that were due and had no answer when the run ended; each counts as a wrong answer.
    pub(crate) unanswered: u64,
    pub(crate) latency_us: Latency,
    /// CPU time a request, by watched process; `load` is this one.
    pub(crate) cpu_us_per_request: BTreeMap<String, f64>,
    /// Memory at the end, by watched process.
    pub(crate) resident_bytes: BTreeMap<String, u64>,
    pub(crate) proportional_bytes: BTreeMap<String, u64>,
}

/// Percentiles, in microseconds.
#[derive(Debug, Serialize)]
pub(crate) struct Latency {
    pub(crate) p50: f64,
    pub(crate) p90: f64,
    pub(crate) p99: f64,
    #[serde(rename = "p99.9")]
    pub(crate) p999: f64,
    pub(crate) max: f64,
    pub(crate) mean: f64,
}

impl Latency {
    /// Reads the percentiles off a histogram of nanoseconds.
    pub(crate) fn of(histogram: &Histogram<u64>) -> Self {
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
