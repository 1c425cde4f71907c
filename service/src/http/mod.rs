//! The directory over HTTP. Only this folder names hyper or the router; of the domain it knows the operations,
//! of the store nothing.
//!
//! A request passes `connection` (sockets, TLS, HTTP/1.1 and HTTP/2), `edge` (limits, admission, authentication) and
//! `api` (routes and handlers), in this order. `auth` verifies and signs tokens, `read_request` parses what clients
//! send, `problem` is every error that they see.

mod api;
mod auth;
mod connection;
mod edge;
mod problem;
mod read_request;

use crate::domain::{Directory, Timestamp, UserId};
use crate::metrics::Metrics;
use bytes::Bytes;
use http_body_util::Full;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::sync::watch;
use uuid::Uuid;

pub use api::cursor::{BadCursorKey, CursorSeal};
pub use api::openapi::document as openapi_document;
pub use api::probes::{Admin, Readiness};
pub use api::routes::TEMPLATES;
pub use api::tokens::TokenIssuer;
pub use auth::oidc::{OidcError, OidcIssuer, OidcSettings};
pub use auth::signing_keys::{
    KeyKind, SigningKeyError, SigningKeys, generate as generate_signing_key,
};
pub use auth::token_verifier::{Caller, OwnTokens, TokenVerifier};
pub use connection::server::{Listener, Protocols, ServerLimits, serve};
pub use connection::tls::{Tls, TlsError, TlsFiles};
pub use connection::workers::Workers;
pub use edge::bearer_auth::Auth;
pub use edge::gate::Gate;
pub use edge::rate_limit::{RateLimits, RateQuota};
pub use edge::service::Edge;

type Request = http::Request<Full<Bytes>>;
type Answer = http::Response<Full<Bytes>>;

/// What the handlers are told by the settings.
#[derive(Clone, Debug)]
pub struct HttpSettings {
    /// The version of the service.
    pub version: &'static str,
    /// The most bytes of a body.
    pub body_limit_bytes: usize,
    /// The longest that a body may take to arrive.
    pub body_timeout: Duration,
    /// The most bytes of a request target.
    pub uri_limit_bytes: usize,
    /// The most bytes of all header fields together.
    pub headers_limit_bytes: usize,
    /// The most requests that are worked on at a time; more are refused at once.
    pub queue_limit: usize,
    /// The mean time of requests above which fewer are worked on at a time; zero for no such limit.
    pub queue_target: Duration,
    /// Whether every change has to be conditional.
    pub require_if_match: bool,
    /// Whether those who came to a proxy by plain HTTP are sent to HTTPS.
    pub redirect_plain_http: bool,
}

/// Where new ids and the time come from.
#[derive(Clone, Copy, Debug, Default)]
pub struct Source;

impl Source {
    /// A new id: a `UUIDv7`, greater than every one that this process gave out before.
    #[allow(
        clippy::unused_self,
        reason = "what is asked for is a property of the source"
    )]
    pub fn user_id(&self) -> UserId {
        UserId(Uuid::now_v7())
    }

    /// The present instant, by the clock of the system.
    #[allow(
        clippy::unused_self,
        reason = "what is asked for is a property of the source"
    )]
    pub fn now(&self) -> Timestamp {
        SystemTime::now().into()
    }
}

/// What the handlers work with.
pub struct Service<S> {
    /// The directory of users.
    pub directory: Directory<S>,
    /// Seals the cursors that clients hand back.
    pub cursors: CursorSeal,
    /// The settings.
    pub settings: HttpSettings,
    /// Issues the service's own tokens.
    pub tokens: TokenIssuer,
    /// Ids and time.
    pub source: Source,
    /// The metrics.
    pub metrics: Arc<Metrics>,
    /// True once the service is shutting down.
    pub draining: watch::Receiver<bool>,
}
