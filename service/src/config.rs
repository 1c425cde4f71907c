//! The settings: the only module that reads flags and the environment.

#![allow(
    clippy::doc_markdown,
    rustdoc::bare_urls,
    reason = "these comments are the text of --help, where Markdown would show"
)]

mod access;
mod bulk;
mod error;
mod origin;
mod scim;
pub mod table;

use crate::telemetry::{LogFormat, SyslogTarget};
use clap::Args;
use ipnet::IpNet;
use std::fmt::Write as _;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use tracing::level_filters::LevelFilter;

pub use access::{AuthMode, KEYS_FILE_SETTING, TlsArgs, TokenArgs};
pub use bulk::BulkArgs;
pub use error::ConfigError;
pub use origin::{BadOrigin, Origin};
pub use scim::ScimArgs;

/// How to reach the database; every command that uses it has these.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Database")]
pub struct DatabaseArgs {
    /// Connection string, such as postgresql://roster@db:5432/roster?sslmode=verify-full. DATABASE_URL is read too, and
    /// ROSTER_DATABASE_URL_FILE names a file that contains it.
    #[arg(
        long,
        env = "ROSTER_DATABASE_URL",
        hide_env_values = true,
        value_name = "URL"
    )]
    pub database_url: Option<String>,
    /// File that contains the connection string.
    #[arg(long, env = "ROSTER_DATABASE_URL_FILE", value_name = "FILE")]
    pub database_url_file: Option<PathBuf>,
    /// File that contains the password, when the connection string has none; reloaded on SIGHUP. The environment variable
    /// ROSTER_DATABASE_PASSWORD contains the password itself.
    #[arg(long, env = "ROSTER_DATABASE_PASSWORD_FILE", value_name = "FILE")]
    pub database_password_file: Option<PathBuf>,
    /// PEM file with the certificate authorities trusted to sign the server's certificate. With it, sslmode=require verifies
    /// as verify-ca does; prefer and disable are refused.
    #[arg(long, env = "ROSTER_DATABASE_CA_FILE", value_name = "FILE")]
    pub database_ca_file: Option<PathBuf>,
    /// Maximum time for one server to accept a connection, in milliseconds; then the next server of the connection string
    /// is tried. The connection string's connect_timeout, in seconds, takes precedence.
    #[arg(long, env = "ROSTER_CONNECT_TIMEOUT_MS", default_value_t = 1000, value_parser = clap::value_parser!(u64).range(1..=60_000), value_name = "MS")]
    pub connect_timeout_ms: u64,
}

/// The settings of `roster serve`.
#[derive(Args, Clone, Debug)]
pub struct ServeArgs {
    /// How to reach the database.
    #[command(flatten)]
    pub database: DatabaseArgs,
    /// The connection pool of the database.
    #[command(flatten)]
    pub pool: PoolArgs,
    /// Listeners and limits of HTTP.
    #[command(flatten)]
    pub http: HttpArgs,
    /// Tokens.
    #[command(flatten)]
    pub tokens: TokenArgs,
    /// Exports and imports.
    #[command(flatten)]
    pub bulk: BulkArgs,
    /// SCIM.
    #[command(flatten)]
    pub scim: ScimArgs,
    /// TLS.
    #[command(flatten)]
    pub tls: TlsArgs,
    /// Logs.
    #[command(flatten)]
    pub log: LogArgs,
}

/// The connection pool of the database.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Pool")]
pub struct PoolArgs {
    /// Maximum number of connections. One serves reads by id, one the writes; lists, searches and everything else share the others.
    #[arg(long, env = "ROSTER_POOL_SIZE", default_value_t = 16, value_parser = clap::value_parser!(u16).range(3..=1000), value_name = "N")]
    pub pool_size: u16,
    /// Maximum wait for a free connection, in milliseconds.
    #[arg(long, env = "ROSTER_POOL_WAIT_TIMEOUT_MS", default_value_t = 1000, value_parser = clap::value_parser!(u64).range(1..=60_000), value_name = "MS")]
    pub pool_wait_timeout_ms: u64,
    /// Maximum duration of a statement, in milliseconds; enforced by PostgreSQL.
    #[arg(long, env = "ROSTER_STATEMENT_TIMEOUT_MS", default_value_t = 1500, value_parser = clap::value_parser!(u64).range(1..=600_000), value_name = "MS")]
    pub statement_timeout_ms: u64,
    /// Maximum wait for a row lock, in milliseconds; enforced by PostgreSQL.
    #[arg(long, env = "ROSTER_LOCK_TIMEOUT_MS", default_value_t = 1000, value_parser = clap::value_parser!(u64).range(1..=600_000), value_name = "MS")]
    pub lock_timeout_ms: u64,
    /// Maximum time that a request waits for the database in total, in milliseconds; then 503.
    #[arg(long, env = "ROSTER_DATABASE_TIMEOUT_MS", default_value_t = 1800, value_parser = clap::value_parser!(u64).range(1..=600_000), value_name = "MS")]
    pub database_timeout_ms: u64,
    /// How long a connection may be idle before it is closed, in milliseconds; 0 keeps it open.
    #[arg(
        long,
        env = "ROSTER_IDLE_TIMEOUT_MS",
        default_value_t = 600_000,
        value_name = "MS"
    )]
    pub idle_timeout_ms: u64,
    /// Maximum number of reads by id that share one statement.
    #[arg(long, env = "ROSTER_READ_BATCH_LIMIT", default_value_t = 256, value_parser = clap::value_parser!(u16).range(1..=4096), value_name = "N")]
    pub read_batch_limit: u16,
    /// Maximum number of writes that share one transaction.
    #[arg(long, env = "ROSTER_WRITE_BATCH_LIMIT", default_value_t = 128, value_parser = clap::value_parser!(u16).range(1..=1024), value_name = "N")]
    pub write_batch_limit: u16,
}

/// Listeners and limits of HTTP.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "HTTP")]
pub struct HttpArgs {
    /// Address of the API.
    #[arg(
        long,
        env = "ROSTER_LISTEN",
        default_value = "127.0.0.1:8080",
        value_name = "ADDRESS"
    )]
    pub listen: SocketAddr,
    /// Address of the admin listener, which serves probes and metrics; must not be reachable by clients.
    #[arg(
        long,
        env = "ROSTER_ADMIN_LISTEN",
        default_value = "127.0.0.1:8081",
        value_name = "ADDRESS"
    )]
    pub admin_listen: SocketAddr,
    /// Whether requests need an access token.
    #[arg(
        long,
        env = "ROSTER_AUTH",
        default_value = "required",
        value_name = "MODE"
    )]
    pub auth: AuthMode,
    /// Answer 428 to a change without If-Match.
    #[arg(long, env = "ROSTER_REQUIRE_IF_MATCH")]
    pub require_if_match: bool,
    /// Where a proxy reports that a request came by plain HTTP (X-Forwarded-Proto): redirect pages for people to HTTPS (308),
    /// and refuse all other requests (403), whose tokens and secrets were readable on the way.
    #[arg(long, env = "ROSTER_REDIRECT_PLAIN_HTTP")]
    pub redirect_plain_http: bool,
    /// Networks of the proxies in front, such as 10.0.0.0/8. The last address in X-Forwarded-For that is not in one of them is
    /// the client's; without any, a client's address is that of its connection.
    #[arg(long, env = "ROSTER_TRUSTED_PROXIES", value_delimiter = ',', value_parser = parse_network, value_name = "NETWORK,…")]
    pub trusted_proxies: Vec<IpNet>,
    /// Origins whose pages may call the API from a browser and read its responses (CORS), such as https://app.example or
    /// http://localhost:3000. Each is compared exactly; there are no wildcards.
    #[arg(
        long,
        env = "ROSTER_CORS_ORIGIN",
        value_delimiter = ',',
        value_name = "ORIGIN,…"
    )]
    pub cors_origin: Vec<Origin>,
    /// Maximum size of a body, in bytes; then 413.
    #[arg(long, env = "ROSTER_BODY_LIMIT_BYTES", default_value_t = 65_536, value_parser = clap::value_parser!(u32).range(1024..=16_777_216), value_name = "BYTES")]
    pub body_limit_bytes: u32,
    /// Maximum time for a body to arrive, in milliseconds; then 408.
    #[arg(long, env = "ROSTER_REQUEST_TIMEOUT_MS", default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(1..=600_000), value_name = "MS")]
    pub request_timeout_ms: u64,
    /// Maximum number of bodies that are still arriving (one that comes with its head does not count); further ones are
    /// answered 503 at once. Each takes up to --body-limit-bytes of memory.
    #[arg(long, env = "ROSTER_ARRIVING_BODY_LIMIT", default_value_t = 1024, value_parser = clap::value_parser!(u32).range(1..=1_000_000), value_name = "N")]
    pub arriving_body_limit: u32,
    /// Maximum number of these bodies from one address (of IPv6: one /64 network). A proxy in front is one address.
    #[arg(long, env = "ROSTER_ARRIVING_BODIES_PER_ADDRESS", default_value_t = 512, value_parser = clap::value_parser!(u32).range(1..=1_000_000), value_name = "N")]
    pub arriving_bodies_per_address: u32,
    /// Maximum number of these bodies on one connection, which matters for HTTP/2.
    #[arg(long, env = "ROSTER_ARRIVING_BODIES_PER_CONNECTION", default_value_t = 128, value_parser = clap::value_parser!(u32).range(1..=1_000_000), value_name = "N")]
    pub arriving_bodies_per_connection: u32,
    /// Maximum size of a token request's body, in bytes; --body-limit-bytes where that is less.
    #[arg(long, env = "ROSTER_TOKEN_BODY_LIMIT_BYTES", default_value_t = 8192, value_parser = clap::value_parser!(u32).range(256..=65_536), value_name = "BYTES")]
    pub token_body_limit_bytes: u32,
    /// Maximum time for the body of a token request to arrive, in milliseconds; then 408.
    #[arg(long, env = "ROSTER_TOKEN_BODY_TIMEOUT_MS", default_value_t = 2000, value_parser = clap::value_parser!(u64).range(1..=600_000), value_name = "MS")]
    pub token_body_timeout_ms: u64,
    /// Maximum number of token requests whose body is still arriving, a quarter of them from one address. Separate,
    /// because no token is needed to send one.
    #[arg(long, env = "ROSTER_ARRIVING_TOKEN_BODY_LIMIT", default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=1_000_000), value_name = "N")]
    pub arriving_token_body_limit: u32,
    /// Maximum number of readers of one client that wait for changes (with --auth disabled: of one address); further ones
    /// are answered 429. --queue-limit bounds those of all clients.
    #[arg(long, env = "ROSTER_WAITING_READERS_PER_CLIENT", default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=1_000_000), value_name = "N")]
    pub waiting_readers_per_client: u32,
    /// Maximum time for the head of a request to arrive, in milliseconds from its first byte (of the first request: from
    /// the start of the connection); then the connection is closed.
    #[arg(long, env = "ROSTER_HEADER_TIMEOUT_MS", default_value_t = 60_000, value_parser = clap::value_parser!(u64).range(1..=3_600_000), value_name = "MS")]
    pub header_timeout_ms: u64,
    /// Maximum time that a client may leave a response unread, in milliseconds; then the connection is closed.
    #[arg(long, env = "ROSTER_WRITE_TIMEOUT_MS", default_value_t = 60_000, value_parser = clap::value_parser!(u64).range(100..=3_600_000), value_name = "MS")]
    pub write_timeout_ms: u64,
    /// How long an idle connection stays open after a request, in milliseconds. Longer than the load balancer in front
    /// keeps it (Google's: 600 s), which would otherwise send a request into a connection that is being closed.
    #[arg(long, env = "ROSTER_KEEP_ALIVE_TIMEOUT_MS", default_value_t = 620_000, value_parser = clap::value_parser!(u64).range(1..=86_400_000), value_name = "MS")]
    pub keep_alive_timeout_ms: u64,
    /// Maximum size of a request target, in bytes; then 414.
    #[arg(long, env = "ROSTER_URI_LIMIT_BYTES", default_value_t = 8192, value_parser = clap::value_parser!(u16).range(256..=32_768), value_name = "BYTES")]
    pub uri_limit_bytes: u16,
    /// Maximum size of all header fields together, in bytes; then 431.
    #[arg(long, env = "ROSTER_HEADERS_LIMIT_BYTES", default_value_t = 16_384, value_parser = clap::value_parser!(u16).range(1024..=32_768), value_name = "BYTES")]
    pub headers_limit_bytes: u16,
    /// Maximum number of connections; further ones wait.
    #[arg(long, env = "ROSTER_MAX_CONNECTIONS", default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000), value_name = "N")]
    pub max_connections: u32,
    /// Maximum number of requests in progress; further ones are answered 503 at once.
    #[arg(long, env = "ROSTER_QUEUE_LIMIT", default_value_t = 256, value_parser = clap::value_parser!(u32).range(1..=1_000_000), value_name = "N")]
    pub queue_limit: u32,
    /// Mean duration of a request, in milliseconds, above which the limit on requests in progress is lowered; 0 keeps it
    /// at --queue-limit.
    #[arg(long, env = "ROSTER_QUEUE_TARGET_MS", default_value_t = 0, value_parser = clap::value_parser!(u64).range(0..=60_000), value_name = "MS")]
    pub queue_target_ms: u64,
    /// How long to keep accepting connections after SIGTERM, in milliseconds, so that load balancers notice.
    #[arg(
        long,
        env = "ROSTER_DRAIN_DELAY_MS",
        default_value_t = 0,
        value_name = "MS"
    )]
    pub drain_delay_ms: u64,
    /// Maximum time for requests in progress to finish on shutdown, in milliseconds.
    #[arg(
        long,
        env = "ROSTER_DRAIN_TIMEOUT_MS",
        default_value_t = 25_000,
        value_name = "MS"
    )]
    pub drain_timeout_ms: u64,
    /// Retention of the change feed, in days.
    #[arg(long, env = "ROSTER_CHANGES_RETENTION_DAYS", default_value_t = 30, value_parser = clap::value_parser!(u16).range(1..=3650), value_name = "DAYS")]
    pub changes_retention_days: u16,
    /// Number of worker threads; 0 starts one per core.
    #[arg(long, env = "ROSTER_WORKER_THREADS", default_value_t = 0, value_parser = clap::value_parser!(u16).range(0..=512), value_name = "N")]
    pub worker_threads: u16,
}

/// Logs.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Logs")]
pub struct LogArgs {
    /// Minimum severity that is logged: off, error, warn, info, debug or trace.
    #[arg(
        long,
        env = "ROSTER_LOG_LEVEL",
        default_value = "info",
        value_name = "LEVEL"
    )]
    pub log_level: LevelFilter,
    /// Format of the log on standard output: auto (human on a terminal, else JSON), human, json or off.
    #[arg(
        long,
        env = "ROSTER_LOG_FORMAT",
        default_value = "auto",
        value_name = "FORMAT"
    )]
    pub log_format: LogFormat,
    /// File for syslog lines (RFC 5424); reopened on SIGHUP.
    #[arg(long, env = "ROSTER_LOG_FILE", value_name = "PATH")]
    pub log_file: Option<PathBuf>,
    /// Syslog server, or systemd's journal: unix:/dev/log, udp://host:514, tcp://host:601 or journal.
    #[arg(long, env = "ROSTER_SYSLOG", value_name = "TARGET")]
    pub syslog: Option<SyslogTarget>,
    /// OpenTelemetry collector for request spans, such as http://localhost:4318; needs a build with --features otlp.
    #[arg(long, env = "ROSTER_OTLP_ENDPOINT", value_name = "URL")]
    pub otlp_endpoint: Option<String>,
}

/// A network, or one address.
fn parse_network(text: &str) -> Result<IpNet, String> {
    let text = text.trim();
    let network = text.parse().ok();
    let network = network.or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from));
    network.ok_or_else(|| "is not a network such as 10.0.0.0/8 or 2001:db8::/32".into())
}

/// How errors name the connection string.
pub const DATABASE_URL_SETTING: &str = "--database-url (ROSTER_DATABASE_URL)";

impl DatabaseArgs {
    /// The connection string as it is set; it may lack the password.
    pub fn connection_string(&self) -> Result<String, ConfigError> {
        let variable = std::env::var("DATABASE_URL");
        match (&self.database_url, &self.database_url_file, variable) {
            (Some(url), _, _) => Ok(url.clone()),
            (None, Some(file), _) => read_secret("ROSTER_DATABASE_URL_FILE", file),
            (None, None, Ok(url)) if !url.is_empty() => Ok(url),
            _ => Err(ConfigError::Missing {
                setting: DATABASE_URL_SETTING,
                next: "set the address of PostgreSQL, such as postgresql://roster@localhost:5432/roster",
            }),
        }
    }

    /// The password from outside of the connection string, if there is one.
    pub fn password(&self) -> Result<Option<String>, ConfigError> {
        match &self.database_password_file {
            Some(file) => read_secret("ROSTER_DATABASE_PASSWORD_FILE", file).map(Some),
            None => Ok(std::env::var("ROSTER_DATABASE_PASSWORD")
                .ok()
                .map(|password| password.trim_end_matches(['\r', '\n']).to_owned())
                .filter(|password| !password.is_empty())),
        }
    }
}

/// Reads a secret from a file, without the line break that editors add at the end.
pub fn read_secret(setting: &'static str, path: &std::path::Path) -> Result<String, ConfigError> {
    let text = std::fs::read_to_string(path).map_err(|source| ConfigError::File {
        setting,
        path: path.display().to_string(),
        source,
    })?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}

/// The effective settings of `roster serve`, one per line; `masked_url` is the connection string without its secrets.
pub fn describe(command: &clap::Command, matches: &clap::ArgMatches, masked_url: &str) -> String {
    let mut lines = String::new();
    for argument in command
        .get_arguments()
        .filter(|argument| argument.get_env().is_some())
    {
        let id = argument.get_id().as_str();
        let raw: Vec<_> = matches
            .get_raw(id)
            .into_iter()
            .flatten()
            .map(|value| value.to_string_lossy())
            .collect();
        let value = match id {
            "database_url" => masked_url.to_owned(),
            _ if raw.is_empty() => "(not set)".to_owned(),
            _ => raw.join(","),
        };
        let source = match matches.value_source(id) {
            Some(clap::parser::ValueSource::CommandLine) => "flag",
            Some(clap::parser::ValueSource::EnvVariable) => "environment",
            _ => "default",
        };
        let _ = writeln!(
            lines,
            "{:<28} {value} ({source})",
            format!("--{}", argument.get_long().unwrap_or(id))
        );
    }
    lines
}
