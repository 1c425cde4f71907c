//! The result of a run, as printed.

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The result of one run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Report {
    pub operation: String,
    /// Connections, each kept alive.
    pub connections: usize,
    /// Requests per second that were due, in an open loop.
    pub rate: Option<f64>,
    /// Duration of the measurement.
    pub seconds: f64,
    /// Correct responses within the measured time.
    pub requests: u64,
    /// Correct responses per second.
    pub requests_per_second: f64,
    /// Responses that were wrong or missing, including the warm-up.
    pub wrong_answers: u64,
    /// What was wrong with the first of these.
    pub first_wrong_answer: Option<String>,
    /// Connections that the service closed between requests.
    pub reconnects: u64,
    /// Requests that were due and had no response when the run ended; each counts as a wrong response.
    pub unanswered: u64,
    /// Requests rejected with 503 within the measured time; always 0 unless that was allowed.
    #[serde(default)]
    pub shed: u64,
    /// Latency of the correct responses, from when each request was due.
    pub latency_us: Latency,
    /// The same, from when each request was sent.
    #[serde(default)]
    pub sent_latency_us: Option<Latency>,
    /// CPU time per request, by watched process; `load` is this one.
    pub cpu_us_per_request: BTreeMap<String, f64>,
    /// Resident memory at the end, by watched process for which it was requested.
    pub resident_bytes: BTreeMap<String, u64>,
    /// The same with shared pages divided among the processes (PSS).
    pub proportional_bytes: BTreeMap<String, u64>,
}

/// Percentiles, in microseconds.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Latency {
    pub p50: f64,
    pub p90: f64,
    pub p99: f64,
    #[serde(rename = "p99.9")]
    pub p999: f64,
    pub max: f64,
    /// The arithmetic mean.
    pub mean: f64,
}

impl Latency {
    /// Percentiles of a histogram of nanoseconds.
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
