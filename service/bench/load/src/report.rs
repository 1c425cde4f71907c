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
    /// The same latency at each of [`QUANTILES`], for a picture.
    #[serde(default)]
    pub curve_us: Vec<f64>,
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

/// Where the curve of a distribution is read: each further step halves what is slower, down to one in half a million.
pub const QUANTILES: [f64; 20] = [
    0.0,
    0.5,
    0.75,
    0.875,
    0.9375,
    0.96875,
    0.984_375,
    0.992_187_5,
    0.996_093_75,
    0.998_046_875,
    0.999_023_437_5,
    0.999_511_718_75,
    0.999_755_859_375,
    0.999_877_929_687_5,
    0.999_938_964_843_75,
    0.999_969_482_421_875,
    0.999_984_741_210_937_5,
    0.999_992_370_605_468_8,
    0.999_996_185_302_734_4,
    0.999_998_092_651_367_2,
];

/// A distribution at each of [`QUANTILES`], in microseconds, from a histogram of nanoseconds.
#[must_use]
pub fn curve(histogram: &Histogram<u64>) -> Vec<f64> {
    #[expect(clippy::cast_precision_loss, reason = "a latency is far below 2^53 ns")]
    let at = |quantile| histogram.value_at_quantile(quantile) as f64 / 1000.0;
    QUANTILES.map(at).to_vec()
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
