//! Every metric of the service: its name, labels and buckets, on one page.
//!
//! Handles are resolved in advance: the hot path adds to atomics without lookups. Labels come from closed lists, so the
//! code bounds the number of series. This module knows numbers and labels, but neither HTTP types nor the database.

mod database;
mod http;
#[cfg(test)]
mod tests;

pub use database::{DatabaseErrorKind, Lane, PoolState};
pub use http::{InFlight, MethodLabel, OpenConnection};

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use prometheus::core::Collector;
use prometheus::process_collector::ProcessCollector;
use prometheus::{
    Gauge, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge,
    IntGaugeVec, Opts, Registry, TextEncoder,
};

use database::DatabaseMetrics;
use http::HttpMetrics;

/// The content type of [`Metrics::encode`].
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// What is running.
#[derive(Clone, Copy, Debug)]
pub struct BuildInfo {
    /// The release, as in the workspace manifest.
    pub version: &'static str,
    /// The commit it was built from, or `unknown`.
    pub revision: &'static str,
}

type BeforeScrape = Box<dyn Fn(&Metrics) + Send>;

/// All metrics of one running service.
pub struct Metrics {
    registry: Registry,
    http: HttpMetrics,
    database: DatabaseMetrics,
    token_cache: [IntCounter; 2],
    token_cache_entries: IntGauge,
    oidc_fetches: [IntCounter; 2],
    change_feed_lag: Gauge,
    log_lines_lost: IntCounterVec,
    certificate_not_after: IntGauge,
    before_scrape: Mutex<Vec<BeforeScrape>>,
}

impl Metrics {
    /// All metrics at zero. `routes` are the route templates, in the order of the indexes of
    /// [`Metrics::http_finished`].
    ///
    /// # Errors
    /// A name or label that the library rejects, or a duplicate: a bug in this module or in `routes`.
    pub fn new(routes: &'static [&'static str], build: BuildInfo) -> prometheus::Result<Arc<Self>> {
        let registry = Registry::new();
        let r = &registry;
        registry.register(Box::new(ProcessCollector::for_self()))?;
        let build_info = Opts::new(
            "roster_build_info",
            "Version and revision of the running binary; always 1.",
        )
        .const_label("version", build.version)
        .const_label("revision", build.revision);
        registered(r, IntGauge::with_opts(build_info)?)?.set(1);

        let token_cache = counters(
            r,
            "roster_token_cache_requests_total",
            "Lookups in the cache of verified bearer tokens.",
            "result",
        )?;
        let oidc = counters(
            r,
            "roster_oidc_fetches_total",
            "Fetches of the OIDC issuer's discovery document or keys.",
            "result",
        )?;
        Ok(Arc::new(Self {
            http: HttpMetrics::new(r, routes)?,
            database: DatabaseMetrics::new(r)?,
            token_cache: each(&token_cache, ["hit", "miss"])?,
            token_cache_entries: int_gauge(
                r,
                "roster_token_cache_entries",
                "Cached verified tokens.",
            )?,
            oidc_fetches: each(&oidc, ["success", "failure"])?,
            change_feed_lag: registered(
                r,
                Gauge::new(
                    "roster_change_feed_lag_seconds",
                    "Maximum age of a change that readers on this replica were not notified of; 0 \
                        while listening.",
                )?,
            )?,
            log_lines_lost: counters(
                r,
                "roster_log_lines_lost_total",
                "Log lines dropped because of a full queue or a failing sink.",
                "sink",
            )?,
            certificate_not_after: int_gauge(
                r,
                "roster_tls_certificate_not_after_seconds",
                "Expiry of the served certificate, in Unix time; 0 without TLS.",
            )?,
            before_scrape: Mutex::default(),
            registry,
        }))
    }

    /// Counts a lookup in the cache of verified tokens.
    pub fn token_looked_up(&self, hit: bool) {
        self.token_cache[usize::from(!hit)].inc();
    }

    /// The number of cached tokens.
    pub fn set_token_cache_entries(&self, entries: usize) {
        self.token_cache_entries.set(as_i64(entries));
    }

    /// Counts a fetch from the OIDC issuer.
    pub fn oidc_fetched(&self, success: bool) {
        self.oidc_fetches[usize::from(!success)].inc();
    }

    /// The age of the oldest change not yet announced.
    pub fn set_change_feed_lag(&self, lag: Duration) {
        self.change_feed_lag.set(lag.as_secs_f64());
    }

    /// Expiry of the certificate, in seconds of Unix time.
    pub fn set_certificate_not_after(&self, unix_seconds: i64) {
        self.certificate_not_after.set(unix_seconds);
    }

    /// The lines that `sink` has dropped since start; for [`Metrics::before_scrape`].
    pub fn set_log_lines_lost(&self, sink: &'static str, total: u64) {
        let counter = self.log_lines_lost.with_label_values(&[sink]);
        counter.inc_by(total.saturating_sub(counter.get()));
    }

    /// Calls `update` before every scrape, for values that are sampled, not counted. It runs under a lock: it must
    /// neither block nor scrape.
    pub fn before_scrape(&self, update: impl Fn(&Self) + Send + 'static) {
        self.updates().push(Box::new(update));
    }

    /// All metrics in Prometheus' text format ([`CONTENT_TYPE`]).
    ///
    /// # Errors
    /// The library rejected a family: a bug here.
    pub fn encode(&self) -> prometheus::Result<Vec<u8>> {
        // The lock also prevents two scrapes from counting the same lost lines twice.
        let updates = self.updates();
        for update in updates.iter() {
            update(self);
        }
        let text = TextEncoder::new().encode_to_string(&self.registry.gather())?;
        drop(updates);
        Ok(text.into_bytes())
    }

    fn updates(&self) -> std::sync::MutexGuard<'_, Vec<BeforeScrape>> {
        self.before_scrape
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

fn registered<C: Collector + Clone + 'static>(
    registry: &Registry,
    metric: C,
) -> prometheus::Result<C> {
    registry.register(Box::new(metric.clone()))?;
    Ok(metric)
}

fn counter(r: &Registry, name: &str, help: &str) -> prometheus::Result<IntCounter> {
    registered(r, IntCounter::new(name, help)?)
}

fn counters(
    r: &Registry,
    name: &str,
    help: &str,
    label: &str,
) -> prometheus::Result<IntCounterVec> {
    registered(r, IntCounterVec::new(Opts::new(name, help), &[label])?)
}

fn int_gauge(r: &Registry, name: &str, help: &str) -> prometheus::Result<IntGauge> {
    registered(r, IntGauge::new(name, help)?)
}

fn int_gauges(
    r: &Registry,
    name: &str,
    help: &str,
    label: &str,
) -> prometheus::Result<IntGaugeVec> {
    registered(r, IntGaugeVec::new(Opts::new(name, help), &[label])?)
}

fn histogram(
    r: &Registry,
    name: &str,
    help: &str,
    buckets: &[f64],
) -> prometheus::Result<Histogram> {
    let options = HistogramOpts::new(name, help).buckets(buckets.to_vec());
    registered(r, Histogram::with_opts(options)?)
}

fn histograms(
    r: &Registry,
    name: &str,
    help: &str,
    labels: &[&str],
    buckets: &[f64],
) -> prometheus::Result<HistogramVec> {
    let options = HistogramOpts::new(name, help).buckets(buckets.to_vec());
    registered(r, HistogramVec::new(options, labels)?)
}

/// The counters of a closed list of label values, all present at zero from the start.
fn each<const N: usize>(
    counters: &IntCounterVec,
    values: [&str; N],
) -> prometheus::Result<[IntCounter; N]> {
    // `try_map` is not stable; the first pass finds the error that the second cannot have.
    for value in values {
        counters.get_metric_with_label_values(&[value])?;
    }
    Ok(values.map(|value| counters.with_label_values(&[value])))
}

fn as_i64(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

#[expect(clippy::cast_precision_loss, reason = "sizes are far below 2^52")]
fn as_f64(count: usize) -> f64 {
    count as f64
}
