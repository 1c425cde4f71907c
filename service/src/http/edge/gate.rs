//! The door: who is let in, to do what, and how often.

use super::bearer_auth::{Auth, Refusal};
use super::rate_limit::{RateKey, RateLimits, RateState};
use crate::domain::Scope;
use crate::http::auth::token_verifier::Caller;
use crate::http::problem::{Problem, ProblemKind};
use crate::metrics::Metrics;
use http::HeaderMap;
use http::header::WWW_AUTHENTICATE;
use std::net::IpAddr;

/// Who is let in, and how often.
pub struct Gate {
    /// Whether callers have to prove themselves.
    pub auth: Auth,
    /// How often each may call, when that is limited.
    pub rate_limits: Option<RateLimits>,
}

impl Gate {
    /// Who calls, once it is known that it may, and not too often. `rate` is where the caller stands, refused or not.
    pub(super) async fn admit(
        &self,
        headers: &HeaderMap,
        peer: IpAddr,
        scope: Scope,
        metrics: &Metrics,
        rate: &mut Option<RateState>,
    ) -> Result<Caller, Problem> {
        let caller = self.auth.caller(headers).await.map_err(refused)?;
        if let Some(limits) = &self.rate_limits {
            let key = match self.auth {
                Auth::Required(_) => RateKey::Client(caller.client.clone()),
                Auth::Disabled => RateKey::of_peer(peer),
            };
            let state = limits.take(&key);
            *rate = Some(state);
            if state.refused_for.is_some() {
                metrics.request_rate_limited();
                let detail =
                    "the rate of this client is used up; Retry-After says how long to wait";
                return Err(ProblemKind::RateLimited.with_detail(detail));
            }
        }
        caller.require(scope).map_err(refused)?;
        Ok(caller)
    }
}

/// The problem of a caller that was not let in.
fn refused(refusal: Refusal) -> Problem {
    let kind = match refusal {
        Refusal::NoToken | Refusal::BadToken(_) => ProblemKind::Unauthorized,
        Refusal::ScopeLacking(_) => ProblemKind::InsufficientScope,
        Refusal::Unverifiable => ProblemKind::Unavailable,
    };
    let problem = kind.with_detail(refusal.to_string());
    match refusal.challenge() {
        Some(challenge) => problem.with_header(WWW_AUTHENTICATE, challenge),
        None => problem.retry_after(1),
    }
}
