//! Joins the layers into a running service. The only module that sees http, domain and store.

mod access;
pub mod build;
pub mod client_commands;
pub mod client_token_commands;
pub mod commands;
mod database;
pub mod email_commands;
pub mod registered_client;

use crate::config::{
    AuthMode, BulkArgs, ConfigError, DatabaseArgs, HttpArgs, LogArgs, ServeArgs, TokenArgs,
};
use crate::domain::Directory;
use crate::http::{
    Admin, BodyLimits, BulkPermits, BulkSettings, CursorSeal, Edge, HttpSettings, Listener,
    Protocols, Readiness, ScimSettings, ServerLimits, Service, Source, TEMPLATES, TrustedProxies,
    Workers, serve,
};
use crate::metrics::{Metrics, PoolState};
use crate::store::PoolSettings;
use crate::store::migrations::SchemaError;
use crate::store::{BulkLimits, PgUserStore, Serves, StoreError, SweepSettings};
use crate::telemetry::{Telemetry, TelemetrySettings};
use access::Access;
pub use access::check_tokens;
pub use database::{database_url, pool_settings};
use std::io;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// How long an idempotency key is kept, by the API contract.
const KEYS_RETENTION: Duration = Duration::from_hours(24);
const SWEEP_INTERVAL: Duration = Duration::from_mins(1);
/// Less than a probe waits: a database that does not answer must not make the service unready.
const LONGEST_CHECK: Duration = Duration::from_secs(2);

/// Why the service cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A setting cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The database cannot be used.
    #[error("the database cannot be used: {0}")]
    Store(#[from] StoreError),
    /// The schema does not fit this program, or the role may not use it.
    #[error("{0}")]
    Schema(SchemaError),
    /// An address cannot be listened on.
    #[error("cannot listen on {address}: {source}; is another program using it?")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The operating system's error.
        source: io::Error,
    },
    /// A bug in the program.
    #[error("the program cannot start: {0}")]
    Internal(String),
}

impl From<SchemaError> for StartError {
    fn from(error: SchemaError) -> Self {
        match error {
            SchemaError::Store(error) => Self::Store(error),
            error => Self::Schema(error),
        }
    }
}

/// A service that is bound to its addresses but does not serve yet.
pub struct App {
    listener: Listener,
    workers: Workers,
    admin_listener: Listener,
    edge: Arc<Edge>,
    admin: Arc<Admin>,
    metrics: Arc<Metrics>,
    protocols: Protocols,
    limits: ServerLimits,
    stop: watch::Sender<bool>,
    draining: watch::Receiver<bool>,
    reload: Reload,
}

/// Reloads what may change while the service runs.
#[derive(Clone)]
pub struct Reload {
    service: Arc<Service<PgUserStore>>,
    database: DatabaseArgs,
    tokens: TokenArgs,
    access: Access,
}

impl Reload {
    /// Reloads the secrets. The current one stays if the new one cannot be read.
    pub fn secrets(&self) {
        match self.database.password() {
            Ok(Some(password)) => self.service.directory.store().set_password(&password),
            Ok(None) => {}
            Err(error) => {
                tracing::error!(error = %error, "cannot reload the database password; the current one stays in use");
            }
        }
        self.access.reload(&self.tokens, &self.service.tokens);
    }
}

impl App {
    /// Connects, checks the schema and binds the addresses.
    pub async fn start(args: &ServeArgs, telemetry: &Telemetry) -> Result<Self, StartError> {
        let internal = |error: &dyn std::fmt::Display| StartError::Internal(error.to_string());
        let metrics = Metrics::new(TEMPLATES, build::info()).map_err(|error| internal(&error))?;
        let access = Access::open(args, &metrics)?;
        let mut settings = pool_settings(&args.database, Some(&args.pool))?;
        settings.bulk = bulk_limits(args);
        warn_of_risks(args, &settings);
        let store = PgUserStore::new(&settings, &metrics)?;
        let workers = Workers::start(workers(&args.http)).map_err(|error| internal(&error))?;
        // Meanwhile, the thread that will serve the first request opens its connection.
        workers.serve(store.warm_up());
        store.check_schema().await?;
        let cursors =
            CursorSeal::new(&store.cursor_key().await?).map_err(|error| internal(&error))?;
        store.start_upkeep(SweepSettings {
            changes_retention: Duration::from_secs(
                u64::from(args.http.changes_retention_days) * 24 * 60 * 60,
            ),
            keys_retention: KEYS_RETENTION,
            interval: SWEEP_INTERVAL,
        });
        let (stop, draining) = watch::channel(false);
        let tokens = access.token_issuer(&args.tokens, &store);
        let http_settings = http_settings(args);
        let service = Arc::new(Service {
            directory: Directory::new(store),
            cursors,
            bulk: BulkPermits::new(&http_settings.bulk),
            settings: http_settings,
            tokens,
            failures: access.failures.clone(),
            source: Source,
            metrics: metrics.clone(),
            draining: draining.clone(),
        });
        let edge = Edge::new(
            &service,
            telemetry.access_log(),
            telemetry.tracer(),
            access.gate(&args.tokens),
        )
        .map_err(|error| internal(&error))?;
        watch_state(&metrics, &service, telemetry);
        Ok(Self {
            listener: bind(args.http.listen).await?,
            workers,
            admin_listener: bind(args.http.admin_listen).await?,
            edge: Arc::new(edge),
            admin: Arc::new(Admin {
                readiness: readiness(&service, &access, &metrics, draining.clone()),
                metrics: metrics.clone(),
            }),
            metrics,
            protocols: access.protocols.clone(),
            limits: server_limits(&args.http),
            stop,
            draining,
            reload: Reload {
                service,
                database: args.database.clone(),
                tokens: args.tokens.clone(),
                access,
            },
        })
    }

    /// The address of the API listener.
    pub fn address(&self) -> SocketAddr {
        self.listener.address()
    }

    /// The address of the admin listener.
    pub fn admin_address(&self) -> SocketAddr {
        self.admin_listener.address()
    }

    /// Stops the service when `true` is sent.
    pub fn stop_handle(&self) -> watch::Sender<bool> {
        self.stop.clone()
    }

    /// Reloads what may change while the service runs.
    pub fn reload_handle(&self) -> Reload {
        self.reload.clone()
    }

    /// Serves until it is stopped and all requests in progress have finished. Returns the number of connections that
    /// were aborted.
    pub async fn run(self) -> usize {
        let admin = tokio::spawn(self.admin.serve(self.admin_listener));
        let cut_off = serve(
            self.listener,
            self.workers,
            self.edge,
            self.metrics,
            self.protocols,
            self.limits,
            self.draining,
        )
        .await;
        admin.abort();
        cut_off
    }
}

async fn bind(address: SocketAddr) -> Result<Listener, StartError> {
    Listener::bind(address)
        .await
        .map_err(|source| StartError::Listen { address, source })
}

/// Logs what is open to others by the settings.
fn warn_of_risks(args: &ServeArgs, settings: &PoolSettings) {
    if args.http.auth == AuthMode::Disabled {
        tracing::warn!(
            "--auth disabled: everyone who can reach this service can read and change every user"
        );
    }
    if settings.url.is_unverified() {
        tracing::warn!(
            servers = settings.url.servers(),
            sslmode = %settings.url.tls_mode(),
            "the database's certificate is not verified: anyone on the network path can read and change all data; \
             next: write sslmode=verify-full, or verify-ca with --database-ca-file"
        );
    }
}

/// Ready if tokens can be verified. The database was reached at the start; while it is away, the service stays ready, so that
/// clients get its own 503 with Retry-After and not a proxy's (docs/adr/0074).
fn readiness(
    service: &Arc<Service<PgUserStore>>,
    access: &Access,
    metrics: &Arc<Metrics>,
    draining: watch::Receiver<bool>,
) -> Readiness {
    let (service, auth, metrics) = (service.clone(), access.auth.clone(), metrics.clone());
    Readiness::new(draining, move || {
        let (service, auth, metrics) = (service.clone(), auth.clone(), metrics.clone());
        async move {
            if !auth.is_ready() {
                let why = "the OIDC issuer has not answered yet: its tokens cannot be verified";
                return Err(why.into());
            }
            let ping = service.directory.store().ping();
            let state = tokio::time::timeout(LONGEST_CHECK, ping).await;
            let state = state.unwrap_or(Err(StoreError::TimedOut));
            metrics.set_database_usable(state.is_ok());
            Ok(match state {
                Ok(Serves::Everything) => "ok".into(),
                Ok(Serves::ReadsOnly) => {
                    "ok for reads; the database takes no writes for the time being".into()
                }
                Err(error) => format!(
                    "degraded: requests get 503 with Retry-After, because the database cannot be used: {error}"
                )
                .into(),
            })
        }
    })
}

/// Copies counts kept elsewhere into the metrics before each scrape.
fn watch_state(metrics: &Metrics, service: &Arc<Service<PgUserStore>>, telemetry: &Telemetry) {
    let pool_of = Arc::downgrade(service);
    let lost = telemetry.lost_lines();
    metrics.before_scrape(move |metrics| {
        if let Some(service) = pool_of.upgrade() {
            let status = service.directory.store().pool_status();
            let idle = status.available;
            let in_use = status.size.saturating_sub(idle);
            metrics.set_pool(PoolState {
                in_use,
                idle,
                max: status.max_size,
                waiting: status.waiting,
            });
            metrics.set_change_feed_lag(service.directory.store().notification_lag());
            metrics.set_export_snapshot_age(service.directory.store().oldest_snapshot());
        }
        for lines in &lost {
            metrics.set_log_lines_lost(lines.sink(), lines.total());
        }
    });
}

fn http_settings(args: &ServeArgs) -> HttpSettings {
    let hsts_max_age_s = args.tls.hsts_max_age_s;
    let scim = args.scim.scim.then(|| ScimSettings {
        base_url: args.scim.scim_base_url.as_deref().map(Box::from),
        bulk_operations: args.scim.scim_bulk_operations,
        bulk_limit_bytes: usize::try_from(args.scim.scim_bulk_limit_bytes).unwrap_or(usize::MAX),
    });
    let bulk = bulk_settings(&args.bulk, args.http.drain_timeout_ms);
    let args = &args.http;
    let bytes = |limit: u32| usize::try_from(limit).unwrap_or(usize::MAX);
    HttpSettings {
        version: build::VERSION,
        body_limit_bytes: bytes(args.body_limit_bytes),
        body_timeout: Duration::from_millis(args.request_timeout_ms),
        bodies: BodyLimits {
            total: bytes(args.arriving_body_limit),
            per_address: bytes(args.arriving_bodies_per_address),
            per_connection: bytes(args.arriving_bodies_per_connection),
        },
        token_body_limit_bytes: bytes(args.token_body_limit_bytes.min(args.body_limit_bytes)),
        token_body_timeout: Duration::from_millis(args.token_body_timeout_ms),
        token_bodies: BodyLimits {
            total: bytes(args.arriving_token_body_limit),
            per_address: bytes(args.arriving_token_body_limit.div_ceil(4)),
            per_connection: bytes(args.arriving_bodies_per_connection),
        },
        waiting_readers_per_client: bytes(args.waiting_readers_per_client),
        uri_limit_bytes: usize::from(args.uri_limit_bytes),
        headers_limit_bytes: usize::from(args.headers_limit_bytes),
        queue_limit: bytes(args.queue_limit),
        queue_target: Duration::from_millis(args.queue_target_ms),
        require_if_match: args.require_if_match,
        trusted_proxies: TrustedProxies::new(&args.trusted_proxies),
        hsts_max_age_s,
        redirect_plain_http: args.redirect_plain_http,
        bulk,
        scim,
        cors_origins: args
            .cors_origin
            .iter()
            .map(|origin| origin.as_str().into())
            .collect(),
    }
}

fn bulk_settings(args: &BulkArgs, drain_timeout_ms: u64) -> BulkSettings {
    BulkSettings {
        exports: usize::from(args.export_limit),
        imports: usize::from(args.import_limit),
        import_timeout: Duration::from_millis(args.import_timeout_ms),
        import_batch: usize::from(args.import_batch_limit),
        import_share_percent: args.import_share_percent,
        // The rest of the drain is for the connection to end in.
        drain_grace: Duration::from_millis(drain_timeout_ms / 4 * 3),
    }
}

fn bulk_limits(args: &ServeArgs) -> BulkLimits {
    BulkLimits {
        export_timeout: Duration::from_millis(args.bulk.export_timeout_ms),
        stall_timeout: Duration::from_millis(args.http.write_timeout_ms),
        connections: usize::from(args.bulk.export_limit) + usize::from(args.bulk.import_limit),
    }
}

/// The number of worker threads: as configured, or else one per core available to the process.
fn workers(args: &HttpArgs) -> NonZeroUsize {
    NonZeroUsize::new(usize::from(args.worker_threads))
        .unwrap_or_else(|| std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN))
}

fn server_limits(args: &HttpArgs) -> ServerLimits {
    let edge_limits = usize::from(args.uri_limit_bytes) + usize::from(args.headers_limit_bytes);
    ServerLimits {
        max_connections: usize::try_from(args.max_connections).unwrap_or(usize::MAX),
        header_timeout: Duration::from_millis(args.header_timeout_ms),
        keep_alive_timeout: Duration::from_millis(args.keep_alive_timeout_ms),
        write_timeout: Duration::from_millis(args.write_timeout_ms),
        head_buffer_bytes: edge_limits + 8192,
        drain_delay: Duration::from_millis(args.drain_delay_ms),
        drain_timeout: Duration::from_millis(args.drain_timeout_ms),
    }
}

/// The settings of the log.
pub fn telemetry_settings(args: &LogArgs) -> TelemetrySettings {
    TelemetrySettings {
        level: args.log_level,
        format: args.log_format,
        colour: std::env::var_os("NO_COLOR").is_none(),
        file: args.log_file.clone(),
        syslog: args.syslog.clone(),
        otlp_endpoint: args.otlp_endpoint.clone(),
        ..TelemetrySettings::default()
    }
}
