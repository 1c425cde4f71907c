//! The limits and switches of the edge and the handlers; `config.rs` says where they come from.

use super::edge::body_admission::BodyLimits;
use super::edge::client_address::TrustedProxies;
use std::time::Duration;

/// The settings of SCIM.
#[derive(Clone, Debug, Default)]
pub struct ScimSettings {
    /// The URL of SCIM as its clients know it, without a slash at its end; as each request names it when absent.
    pub base_url: Option<Box<str>>,
    /// Maximum number of operations of a bulk request.
    pub bulk_operations: u32,
    /// Maximum size of a bulk request's body, in bytes.
    pub bulk_limit_bytes: usize,
}

/// The settings of exports and imports.
#[derive(Clone, Copy, Debug)]
pub struct BulkSettings {
    /// How many exports may be in progress.
    pub exports: usize,
    /// How many imports may be in progress.
    pub imports: usize,
    /// The longest that an import may take.
    pub import_timeout: Duration,
    /// The most records of an import that share a transaction.
    pub import_batch: usize,
    /// The share of its time that an import works; it pauses in the rest.
    pub import_share_percent: u32,
    /// How long an export may go on once the service shuts down.
    pub drain_grace: Duration,
}

/// The settings of the edge and the handlers.
#[derive(Clone, Debug)]
pub struct HttpSettings {
    /// The version of the service, as the root document has it.
    pub version: &'static str,
    /// Maximum size of a body, in bytes.
    pub body_limit_bytes: usize,
    /// Maximum time for a body to arrive.
    pub body_timeout: Duration,
    /// How many bodies may be arriving at a time.
    pub bodies: BodyLimits,
    /// Maximum size of a token request's body, in bytes.
    pub token_body_limit_bytes: usize,
    /// Maximum time for a token request's body to arrive.
    pub token_body_timeout: Duration,
    /// How many bodies of token requests may be arriving at a time.
    pub token_bodies: BodyLimits,
    /// How many readers of one client may wait for changes at a time.
    pub waiting_readers_per_client: usize,
    /// Maximum size of a request target, in bytes.
    pub uri_limit_bytes: usize,
    /// Maximum size of all header fields together, in bytes.
    pub headers_limit_bytes: usize,
    /// Maximum number of requests in work; further ones are answered 503 at once.
    pub queue_limit: usize,
    /// The mean duration of a request above which the concurrency limit falls; zero keeps it fixed.
    pub queue_target: Duration,
    /// Whether a change without a condition is answered 428.
    pub require_if_match: bool,
    /// The proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: TrustedProxies,
    /// How long clients are to use HTTPS alone, in seconds (`Strict-Transport-Security`); 0 says nothing of it.
    pub hsts_max_age_s: u32,
    /// Whether a request that reached a proxy by plain HTTP is redirected to HTTPS, or refused.
    pub redirect_plain_http: bool,
    /// The settings of exports and imports.
    pub bulk: BulkSettings,
    /// The settings of SCIM; `None` while it is off.
    pub scim: Option<ScimSettings>,
    /// The origins whose pages may read responses, as browsers send them.
    pub cors_origins: Vec<Box<str>>,
}
