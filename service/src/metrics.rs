//! Every metric of the service: its name, labels and buckets, on one page.
//!
//! Handles are resolved in advance: the hot path adds to atomics without lookups. Labels come from closed lists, so the
//! code bounds the number of series. This module knows numbers and labels, but neither HTTP types nor the database.

mod bulk;
mod database;
mod http;
mod queries;
mod register;
mod requests;
#[cfg(test)]
mod tests;

pub use bulk::BulkInProgress;
pub use database::{DatabaseErrorKind, Lane, PoolState};
pub use http::{AuthFailure, InFlight, MethodLabel, OpenConnection};

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use prometheus::process_collector::ProcessCollector;
use prometheus::{Gauge, IntCounter, IntCounterVec, IntGauge, Opts, Registry, TextEncoder};

use bulk::BulkMetrics;
use database::DatabaseMetrics;
use http::HttpMetrics;
use register::{as_i64, counters, each, int_gauge, registered};

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
    bulk: BulkMetrics,
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
            bulk: BulkMetrics::new(r)?,
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
                        while it looks for them.",
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

    /// Whether the database answered the last readiness check.
    pub fn set_database_usable(&self, usable: bool) {
        self.database.usable.set(i64::from(usable));
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
