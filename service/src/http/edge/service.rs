//! The edge: everything that a request passes before its handler, and its answer after it.
//!
//! The router alone would buffer any body, run the GET handler for a method that it does not know, and answer a wrong
//! method with 404 (docs/adr/0001). So limits, methods, bodies, panics, ids, logs and metrics are handled here. Knows
//! which operation a call names, and of the handlers only that they answer it.

use super::activity::Activity;
use super::concurrency_limit::{Admission, ConcurrencyLimit};
use super::cors::{Cors, is_preflight};
use super::counts_by_key::CountsByKey;
use super::exchange::{Exchange, StreamedExchange};
use super::failures::{failed, panicked};
use super::gate::Gate;
use super::methods;
use super::plain_http;
use super::preconditions;
use super::rate_limit::{RateKey, RateState};
use super::receive::{Received, Reception, Sender, Work, overloaded};
use super::request_id::X_REQUEST_ID;
use super::transport_policy::TransportPolicy;
use super::unread_answers::UnreadAnswers;
use super::unread_bodies::{Afterwards, UnreadBodies};
use crate::domain::{BulkStore, ProvisioningStore};
use crate::http::answer::{Answer, AnswerBody};
use crate::http::api::dispatch::{Dispatch, RouteTableError};
use crate::http::api::route::Route;
use crate::http::api::service::Service;
use crate::http::call::{Call, Transport, Upload};
use crate::http::connection::connection_io::Calls;
use crate::http::problem::{Problem, ProblemKind};
use crate::http::read_request::{check_sizes, refuse_unsupported_fields, require_host};
use crate::http::settings::HttpSettings;
use crate::metrics::{InFlight, MethodLabel, Metrics};
use crate::telemetry::{AccessLog, Tracer};
use futures_util::FutureExt;
use http::header::{CACHE_CONTROL, CONNECTION, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderValue, Method, Request, Version};
use hyper::body::{Body, Incoming};
use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Instant;
use tokio::sync::watch;

const CLOSE: HeaderValue = HeaderValue::from_static("close");

/// The edge of the service; one per process.
pub struct Edge {
    gate: Gate,
    dispatch: Dispatch,
    settings: HttpSettings,
    metrics: Arc<Metrics>,
    access_log: AccessLog,
    tracer: Tracer,
    draining: watch::Receiver<bool>,
    concurrency: ConcurrencyLimit,
    reception: Reception,
    cors: Option<Cors>,
    waiting_readers: CountsByKey<RateKey>,
    transport_policy: TransportPolicy,
}

impl Edge {
    /// The edge around the routes of `service`.
    ///
    /// # Errors
    /// When the router does not accept a route.
    pub fn new<S: ProvisioningStore + BulkStore>(
        service: &Arc<Service<S>>,
        access_log: AccessLog,
        tracer: Tracer,
        gate: Gate,
    ) -> Result<Self, RouteTableError> {
        let settings = service.settings.clone();
        let metrics = service.metrics.clone();
        let draining = service.draining.clone();
        Ok(Self {
            gate,
            dispatch: Dispatch::new(service.clone())?,
            concurrency: ConcurrencyLimit::new(settings.queue_limit, settings.queue_target),
            reception: Reception::new(&settings),
            cors: Cors::new(&settings.cors_origins),
            waiting_readers: CountsByKey::new(settings.waiting_readers_per_client),
            transport_policy: TransportPolicy::new(
                settings.hsts_max_age_s,
                settings.redirect_plain_http,
            ),
            settings,
            metrics,
            access_log,
            tracer,
            draining,
        })
    }

    /// The hyper service of one connection.
    pub(in crate::http) fn connection(
        self: &Arc<Self>,
        peer: SocketAddr,
        calls: Calls,
        is_tls: bool,
    ) -> EdgeConnection {
        EdgeConnection(Arc::new(ConnectionState {
            edge: self.clone(),
            peer,
            calls,
            is_tls,
            activity: Arc::default(),
            unread: Arc::default(),
            arriving_bodies: AtomicUsize::new(0),
            unread_bodies: UnreadBodies::default(),
        }))
    }
}

struct ConnectionState {
    edge: Arc<Edge>,
    peer: SocketAddr,
    calls: Calls,
    /// Whether the client speaks TLS with this service.
    is_tls: bool,
    activity: Arc<Activity>,
    unread: Arc<UnreadAnswers>,
    arriving_bodies: AtomicUsize,
    unread_bodies: UnreadBodies,
}

/// Counts a request of a connection as ended when it is dropped.
struct Begun(Arc<ConnectionState>);

impl Drop for Begun {
    fn drop(&mut self) {
        self.0.activity.end();
    }
}

/// Answers the requests of one connection.
#[derive(Clone)]
pub(in crate::http) struct EdgeConnection(Arc<ConnectionState>);

impl EdgeConnection {
    /// How many requests have begun and ended.
    pub(in crate::http) fn activity(&self) -> Arc<Activity> {
        self.0.activity.clone()
    }

    /// The answers that the client has not read.
    pub(in crate::http) fn unread(&self) -> Arc<UnreadAnswers> {
        self.0.unread.clone()
    }
}

impl hyper::service::Service<Request<Incoming>> for EdgeConnection {
    type Response = Answer;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Answer, Infallible>> + Send>>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        let state = self.0.clone();
        state.calls.called();
        state.activity.begin();
        let begun = Begun(state);
        // Borrowed from here on: a function that waits and owns a call keeps room for it twice, and what is larger than
        // a kilobyte is costly to allocate.
        let (parts, body) = request.into_parts();
        let mut body = Some(body);
        let trusted = &begun.0.edge.settings.trusted_proxies;
        let address = trusted.client_of(begun.0.peer.ip(), &parts.headers);
        let mut call = Call::new(parts, address);
        Box::pin(async move {
            let mut answer = begun.0.answer(&mut call, &mut body).await;
            begun.0.calls.answered();
            let (version, headers) = (call.parts.version, call.headers());
            let is_read = !call.body.is_empty();
            let unread = &begun.0.unread_bodies;
            if let Some(body) = body
                && unread.leave(version, headers, is_read, body) == Afterwards::Closed
            {
                answer.headers_mut().insert(CONNECTION, CLOSE);
            }
            if version == Version::HTTP_2 {
                answer = begun.0.unread.track(answer);
            }
            if let AnswerBody::Streamed(body) = answer.body_mut() {
                // The request is in progress for as long as its answer is being sent.
                body.hold(begun.0.calls.streams());
                body.hold(begun);
            }
            Ok(answer)
        })
    }
}

impl ConnectionState {
    async fn answer(&self, call: &mut Call, body: &mut Option<Incoming>) -> Answer {
        let started = Instant::now();
        let edge = &*self.edge;
        let in_flight = edge.metrics.request_started();
        let method = MethodLabel::from_name(call.parts.method.as_str());
        let traceparents = call.headers().get_all("traceparent").iter();
        let (trace, span) = edge
            .tracer
            .request(traceparents.map(HeaderValue::as_bytes), method.as_str());
        let announced = body.as_ref().map_or(0, |body| body.size_hint().lower());
        let request_bytes = usize::try_from(announced).unwrap_or(usize::MAX);

        let waits = call.route.waits(call.parts.uri.query());
        let mut work = Work {
            permit: edge.concurrency.admit(self.admission(waits)),
            since: started,
        };
        let mut rate = None;
        // A page whose preflight is turned away learns nothing; its request will get the 503, with Retry-After.
        let preflight = edge.cors.is_some() && is_preflight(call);
        let outcome = if work.permit.is_none() && !preflight {
            edge.metrics.request_shed();
            // A waiting reader may come back at once: it costs little.
            if !waits {
                self.calls.turned_away();
            }
            Err(overloaded())
        } else {
            let admitted = self.admit_and_dispatch(call, body, &mut work, &mut rate);
            let admitted = AssertUnwindSafe(admitted);
            match admitted.catch_unwind().await {
                Ok(outcome) => outcome,
                Err(panic) => Err(panicked(&*panic, call.request_id())),
            }
        };
        let mut refused = None;
        let mut answer = match outcome {
            Ok(answer) => answer,
            Err(problem) => {
                refused = problem.refusal();
                failed(&problem, call, edge.settings.scim.is_some())
            }
        };
        if let (Some(state), Some(limits)) = (rate, &edge.gate.rate_limits) {
            limits.set_headers(state, answer.headers_mut());
        }
        let now = Instant::now();
        let duration = now.saturating_duration_since(started);
        if let Some(permit) = work.permit {
            permit.release(now.saturating_duration_since(work.since), now);
        }
        let exchange = Exchange {
            call,
            answer: &answer,
            method,
            trace,
            duration,
            request_bytes,
            refused,
        };
        if matches!(answer.body(), AnswerBody::Streamed(_)) {
            let exchange = StreamedExchange::of(&exchange, started);
            self.report_at_end(&mut answer, exchange, in_flight);
        } else {
            exchange.report(&edge.metrics, &edge.access_log);
        }
        span.finish(call.route.template(), answer.status().as_u16());
        self.finish(&mut answer, call);
        answer
    }

    /// Reports a request, which is in progress until then, when the body of its answer has ended.
    fn report_at_end(&self, answer: &mut Answer, exchange: StreamedExchange, in_flight: InFlight) {
        let edge = self.edge.clone();
        if let AnswerBody::Streamed(body) = answer.body_mut() {
            body.hold(in_flight);
            body.at_end(move |sent| exchange.report(&edge.metrics, &edge.access_log, sent));
        }
    }

    fn admission(&self, waits: bool) -> Admission {
        if waits {
            Admission::WaitingReader
        } else if self.calls.came_early() {
            Admission::EarlyRequest
        } else {
            Admission::Request
        }
    }

    /// Header fields that every answer has.
    fn finish(&self, answer: &mut Answer, call: &Call) {
        let headers = answer.headers_mut();
        headers.insert(X_REQUEST_ID, call.request_id.clone());
        headers
            .entry(CACHE_CONTROL)
            .or_insert(HeaderValue::from_static("no-store"));
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        self.edge
            .transport_policy
            .apply(self.is_tls, call.headers(), headers);
        if let Some(cors) = &self.edge.cors {
            cors.annotate(call.headers(), headers);
        }
        if *self.edge.draining.borrow() {
            // The client is asked to go elsewhere with its next request, instead of finding the connection closed.
            headers.insert(CONNECTION, CLOSE);
        }
    }

    /// The handler's answer to a call that fulfils everything that the edge asks of it.
    async fn admit_and_dispatch<'a>(
        &'a self,
        call: &mut Call,
        body: &mut Option<Incoming>,
        work: &mut Work<'a>,
        rate: &mut Option<RateState>,
    ) -> Result<Answer, Problem> {
        let settings = &self.edge.settings;
        check_sizes(&call.parts, settings)?;
        require_host(&call.parts)?;
        if settings.redirect_plain_http
            && let Some(answer) = plain_http::redirect(call)?
        {
            return Ok(answer);
        }
        let route = call.route;
        if let Some(cors) = &self.edge.cors
            && is_preflight(call)
        {
            return Ok(cors.preflight(call));
        }
        if route.is_scim_or_unmatched() {
            if route == Route::Unmatched || settings.scim.is_none() {
                return methods::unmatched(&call.parts);
            }
            call.parts.extensions.insert(Transport {
                peer: self.peer.ip(),
                is_tls: self.is_tls,
            });
        }
        let Some(operation) = route.operation(&call.parts.method) else {
            return if call.parts.method == Method::OPTIONS {
                Ok(methods::options(route))
            } else {
                Err(methods::not_allowed(route))
            };
        };
        if operation.reads_body() {
            refuse_unsupported_fields(&call.parts.method, call.headers())?;
        }
        let mut waiting = None;
        if let Some(scope) = operation.scope() {
            let gate = &self.edge.gate;
            let metrics = &self.edge.metrics;
            let caller = gate.admit(call, scope, metrics, rate).await?;
            if route.waits(call.parts.uri.query()) {
                let key = gate.key_of(&caller, call.address);
                let held = self.edge.waiting_readers.hold(key);
                waiting = Some(held.ok_or_else(waits_too_often)?);
            }
        }
        let precondition = preconditions::before(call)?;
        if operation.streams_body() {
            // It takes as long as its client does: what bounds it is counted by its handler.
            work.permit = None;
            let upload = Upload::of(body);
            call.parts.extensions.insert(upload.clone());
            let answer = Box::pin(self.edge.dispatch.answer(operation, call)).await;
            upload.give_back(body);
            return answer;
        }
        if operation.reads_body()
            && let Some(body) = body
        {
            self.receive(call, body, work).await?;
        }
        let answer = self.edge.dispatch.answer(operation, call).await;
        drop(waiting);
        preconditions::after(precondition, &call.parts.method, answer?)
    }

    /// Receives the body of a call.
    async fn receive<'a>(
        &'a self,
        call: &mut Call,
        body: &mut Incoming,
        work: &mut Work<'a>,
    ) -> Result<(), Problem> {
        let sender = Sender {
            address: call.address,
            arriving_on_connection: &self.arriving_bodies,
        };
        let edge = &*self.edge;
        let received = edge
            .reception
            .receive(call.headers(), body, call.route, sender)?;
        call.body = match received {
            Received::Whole(bytes) => bytes,
            // Boxed, so that the many requests whose body is there carry no room for this.
            Received::Partial(rest) => {
                Box::pin(rest.wait(work, &edge.concurrency, &edge.metrics)).await?
            }
        };
        Ok(())
    }
}

fn waits_too_often() -> Problem {
    let detail =
        "this client has as many waiting readers as it may have; Retry-After says how long to wait";
    ProblemKind::RateLimited.with_detail(detail).retry_after(1)
}

#[cfg(test)]
mod tests {
    use super::{Call, ConnectionState, Incoming};

    /// The bytes that the future of a function takes.
    fn room<'a, F>(
        _: impl FnOnce(&'a ConnectionState, &'a mut Call, &'a mut Option<Incoming>) -> F,
    ) -> usize {
        size_of::<F>()
    }

    #[test]
    fn a_request_in_work_takes_less_than_a_kilobyte() {
        let room = room(ConnectionState::answer);
        assert!(
            room <= 1024 - size_of::<(Call, Option<Incoming>)>(),
            "{room}"
        );
    }
}
