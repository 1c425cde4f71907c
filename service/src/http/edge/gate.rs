//! Authentication, rate limit and authorization of a call, in this order.

use super::bearer_auth::{Auth, Refusal};
use super::failure_limit::{Attempt, FailureLimit};
use super::rate_limit::{RateKey, RateLimits, RateState};
use crate::domain::Scope;
use crate::http::auth::bad_token::BadToken;
use crate::http::auth::caller::Caller;
use crate::http::call::Call;
use crate::http::problem::{Problem, ProblemKind};
use crate::metrics::Metrics;
use http::header::WWW_AUTHENTICATE;
use std::net::IpAddr;
use std::sync::Arc;

/// Decides whether a call is admitted.
pub struct Gate {
    /// Whether calls need a token.
    pub auth: Auth,
    /// The rate limit of each client, if there is one.
    pub rate_limits: Option<RateLimits>,
    /// The limit on bad tokens, if there is one.
    pub failures: Option<Arc<FailureLimit>>,
}

impl Gate {
    /// The caller, once it is authenticated, within its rate and authorized for `scope`; the call is then known to be its.
    /// `rate` is set to the state of the client's rate limit, also when the call is refused.
    pub(super) async fn admit(
        &self,
        call: &mut Call,
        scope: Scope,
        metrics: &Metrics,
        rate: &mut Option<RateState>,
    ) -> Result<Caller, Problem> {
        let caller = self.authenticate(call).await?;
        call.client = Some(caller.client.clone());
        call.is_authenticated = matches!(self.auth, Auth::Required(_));
        call.may_read = caller.scopes.contains(Scope::UsersRead);
        if let Some(limits) = &self.rate_limits {
            let state = limits.take(&self.key_of(&caller, call.address));
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

    /// The caller that a call's token names. After too many failures from its address a bad token is answered 429, and no
    /// issuer is asked for its key; a good one is served all the same.
    async fn authenticate(&self, call: &Call) -> Result<Caller, Problem> {
        let admitted = || match &self.failures {
            Some(limit) => limit.admit(&Attempt::by_token(call.address)),
            None => Ok(()),
        };
        let outcome = self.auth.caller(call.headers(), || admitted().is_ok());
        let refusal = match outcome.await {
            Ok(caller) => return Ok(caller),
            Err(refusal) => refusal,
        };
        if let (Refusal::BadToken(reason), Some(limit)) = (refusal, &self.failures)
            // Its signature is good: its owner has to learn that it needs another, and guesses nothing.
            && reason != BadToken::Expired
        {
            admitted()?;
            limit.failed(&Attempt::by_token(call.address));
        }
        Err(refused(refusal))
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
    let problem = kind
        .with_detail(refusal.to_string())
        .refused_because(refusal.reason());
    match refusal.challenge() {
        Some(challenge) => problem.with_header(WWW_AUTHENTICATE, challenge),
        None => problem.retry_after(1),
    }
}
