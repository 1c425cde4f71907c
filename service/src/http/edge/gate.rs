//! Authentication, rate limit and authorization of a call, in this order.

use super::bearer_auth::{Auth, Refusal};
use super::rate_limit::{RateKey, RateLimits, RateState};
use crate::domain::Scope;
use crate::http::auth::caller::Caller;
use crate::http::problem::{Problem, ProblemKind};
use crate::metrics::Metrics;
use http::HeaderMap;
use http::header::WWW_AUTHENTICATE;
use std::net::IpAddr;

/// Decides whether a call is admitted.
pub struct Gate {
    /// Whether calls need a token.
    pub auth: Auth,
    /// The rate limit of each client, if there is one.
    pub rate_limits: Option<RateLimits>,
}

impl Gate {
    /// The caller, once it is authenticated, within its rate and authorized for `scope`. `rate` is set to the state of
    /// the client's rate limit, also when the call is refused.
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
            let state = limits.take(&self.key_of(&caller, peer));
            *rate = Some(state);
            if state.refused_for.is_some() {
                metrics.request_rate_limited();
                let detail =
                    "the client has exceeded its rate limit; Retry-After says how long to wait";
                return Err(ProblemKind::RateLimited.with_detail(detail));
            }
        }
        caller.require(scope).map_err(refused)?;
        Ok(caller)
    }

    /// The key under which the caller's share is counted: its client, or its address where calls need no token.
    pub(super) fn key_of(&self, caller: &Caller, peer: IpAddr) -> RateKey {
        match self.auth {
            Auth::Required(_) => RateKey::Client(caller.client.clone()),
            Auth::Disabled => RateKey::of_peer(peer),
        }
    }
}

/// The problem of a call whose token lacks `scope`.
pub(in crate::http) fn scope_lacking(scope: Scope) -> Problem {
    refused(Refusal::ScopeLacking(scope))
}

/// The problem of a refused call.
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
