//! What is reported of a request that was answered: its metrics and its line in the access log.

use crate::http::answer::Answer;
use crate::http::api::tokens::IssuedTo;
use crate::http::call::Call;
use crate::metrics::{AuthFailure, MethodLabel, Metrics};
use crate::telemetry::{AccessLog, AccessRecord};
use crate::trace_context::TraceContext;
use hyper::body::Body;
use std::time::Duration;

/// A request and its answer.
pub(super) struct Exchange<'a> {
    pub(super) call: &'a Call,
    pub(super) answer: &'a Answer,
    pub(super) method: MethodLabel,
    pub(super) trace: TraceContext,
    /// From the request's head to its answer.
    pub(super) duration: Duration,
    /// The size of the request's body.
    pub(super) request_bytes: usize,
    /// Why its authentication failed.
    pub(super) refused: Option<AuthFailure>,
}

impl Exchange<'_> {
    /// Counts it and queues its line.
    pub(super) fn report(&self, metrics: &Metrics, log: &AccessLog) {
        let (call, answer) = (self.call, self.answer);
        let status = answer.status().as_u16();
        metrics.http_finished(
            call.route as usize,
            self.method,
            status,
            self.duration,
            self.request_bytes,
            usize::try_from(answer.body().size_hint().lower()).unwrap_or(usize::MAX),
        );
        if let Some(reason) = self.refused {
            metrics.authentication_failed(reason);
        }
        let client = call.authenticated_client().map(|client| &**client);
        log.write(&AccessRecord {
            request_id: call.request_id(),
            trace: self.trace,
            method: self.method.as_str(),
            route: call.route.template(),
            status,
            duration: self.duration,
            peer: call.address,
            client: client.or(IssuedTo::of(answer)),
            refused: self.refused.map_or("", AuthFailure::as_str),
        });
    }
}
