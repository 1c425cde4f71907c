//! What is reported of a request that was answered: its metrics and its line in the access log.

use super::request_id::as_text;
use crate::http::answer::{Answer, Sent};
use crate::http::api::route::Route;
use crate::http::api::tokens::IssuedTo;
use crate::http::call::Call;
use crate::metrics::{AuthFailure, MethodLabel, Metrics};
use crate::telemetry::{AccessLog, AccessRecord};
use crate::trace_context::TraceContext;
use http::HeaderValue;
use hyper::body::Body;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

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

/// A request whose answer is made while it is sent, reported when that has ended.
pub(super) struct StreamedExchange {
    route: Route,
    method: MethodLabel,
    status: u16,
    trace: TraceContext,
    request_bytes: usize,
    request_id: HeaderValue,
    address: IpAddr,
    client: Option<Arc<str>>,
    started: Instant,
}

impl StreamedExchange {
    /// What has to be known of `exchange`, whose request began at `started`.
    pub(super) fn of(exchange: &Exchange<'_>, started: Instant) -> Self {
        let call = exchange.call;
        Self {
            route: call.route,
            method: exchange.method,
            status: exchange.answer.status().as_u16(),
            trace: exchange.trace,
            request_bytes: exchange.request_bytes,
            request_id: call.request_id.clone(),
            address: call.address,
            client: call.authenticated_client().cloned(),
            started,
        }
    }

    /// Counts it and queues its line. Its duration is that from the request's head to the end of the answer.
    pub(super) fn report(&self, metrics: &Metrics, log: &AccessLog, sent: Sent) {
        let duration = self.started.elapsed();
        metrics.http_finished(
            self.route as usize,
            self.method,
            self.status,
            duration,
            self.request_bytes,
            usize::try_from(sent.bytes).unwrap_or(usize::MAX),
        );
        let request_id = as_text(&self.request_id);
        if !sent.is_complete {
            let (route, bytes) = (self.route.template(), sent.bytes);
            tracing::warn!(
                request_id,
                route,
                bytes,
                "an answer was not sent to its end"
            );
        }
        log.write(&AccessRecord {
            request_id,
            trace: self.trace,
            method: self.method.as_str(),
            route: self.route.template(),
            status: self.status,
            duration,
            peer: self.address,
            client: self.client.as_deref(),
            refused: "",
        });
    }
}
