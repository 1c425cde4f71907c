//! The directory over HTTP. Only this folder names hyper or the router; of the domain it knows the operations,
//! of the store nothing.
//!
//! `scim` is a second API over the same directory.
//!
//! A request passes `connection` (sockets, TLS, HTTP/1.1 and HTTP/2), `edge` (limits, admission, authentication) and
//! `api` (routes and handlers), in this order. `auth` verifies and signs tokens, `read_request` parses what clients
//! send, `problem` is every error that they see.

mod answer;
mod api;
mod auth;
mod call;
mod connection;
mod edge;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
mod problem;
mod read_request;
mod scim;
mod settings;

pub use api::bulk::BulkPermits;
pub use api::cursor::{BadCursorKey, CursorSeal};
pub use api::dispatch::RouteTableError;
pub use api::openapi::document as openapi_document;
pub use api::probes::{Admin, Readiness};
pub use api::route::TEMPLATES;
pub use api::service::{Service, Source};
pub use auth::ScopeClaims;
pub use auth::caller::Caller;
pub use auth::client_tokens::{CLIENT_TOKEN_PREFIX, ClientTokens, hash_client_token};
pub use auth::oidc::{OidcError, OidcIssuer, OidcSettings};
pub use auth::signing_keys::{
    KeyKind, SigningKeyError, SigningKeys, generate as generate_signing_key,
};
pub use auth::token_issuer::TokenIssuer;
pub use auth::token_verifier::{OwnTokens, TokenVerifier};
pub use connection::limits::ServerLimits;
pub use connection::server::{Listener, Protocols, serve};
pub use connection::tls::{Tls, TlsError, TlsFiles};
pub use connection::workers::Workers;
pub use edge::bearer_auth::Auth;
pub use edge::body_admission::BodyLimits;
pub use edge::client_address::TrustedProxies;
pub use edge::failure_limit::FailureLimit;
pub use edge::gate::Gate;
pub use edge::rate_limit::{RateLimits, RateQuota};
pub use edge::service::Edge;
pub use scim::openapi::document as scim_openapi_document;
pub use settings::{BulkSettings, HttpSettings, ScimSettings};
