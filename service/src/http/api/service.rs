//! What the handlers share: the directory, the seal of cursors, tokens, settings, and where ids and time come from.

use super::bulk::BulkPermits;
use super::cursor::CursorSeal;
use crate::domain::{Directory, Timestamp, UserId};
use crate::http::auth::token_issuer::TokenIssuer;
use crate::http::edge::failure_limit::FailureLimit;
use crate::http::settings::HttpSettings;
use crate::metrics::Metrics;
use std::sync::Arc;
use std::time::SystemTime;
use tokio::sync::watch;
use uuid::Uuid;

/// Where new ids and the time come from: the domain has neither.
#[derive(Clone, Copy, Debug, Default)]
pub struct Source;

impl Source {
    /// A new `UUIDv7`, greater than every one that this process made before.
    #[allow(
        clippy::unused_self,
        reason = "what is asked for is a property of the source"
    )]
    pub fn user_id(&self) -> UserId {
        UserId(Uuid::now_v7())
    }

    /// The present instant, by the system's clock.
    #[allow(
        clippy::unused_self,
        reason = "what is asked for is a property of the source"
    )]
    pub fn now(&self) -> Timestamp {
        SystemTime::now().into()
    }
}

/// What the handlers share, over the store `S`.
pub struct Service<S> {
    /// The directory of users.
    pub directory: Directory<S>,
    /// Seals the cursors that clients hand back.
    pub cursors: CursorSeal,
    /// The limits and switches.
    pub settings: HttpSettings,
    /// How many exports and imports may be in progress.
    pub bulk: BulkPermits,
    /// Issues Roster's own tokens.
    pub tokens: TokenIssuer,
    /// The limit on wrong secrets, if there is one.
    pub failures: Option<Arc<FailureLimit>>,
    /// New ids and the time.
    pub source: Source,
    /// The metrics.
    pub metrics: Arc<Metrics>,
    /// True once the service is shutting down.
    pub draining: watch::Receiver<bool>,
}
