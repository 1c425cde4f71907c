//! What stands around the router: everything that a request meets before its handler, and an answer after it.
//!
//! The router alone would buffer any body, run the GET handler for a method that it does not know, and answer a wrong
//! method with 404 (docs/adr/0001). So limits, methods, bodies, panics, ids, logs and metrics are seen to here.

use super::failures::{log_cause, panicked, told};
use super::gate::Gate;
use super::plain_http;
use super::queue::{Entrant, Queue};
use super::rate_limit::RateState;
use super::request_id::{X_REQUEST_ID, as_text, request_id};
use crate::domain::UserStore;
use crate::http::api::list_users::ACCEPT_QUERY;
use crate::http::api::patch::{ACCEPT_PATCH, ACCEPT_PATCH_HEADER};
use crate::http::api::routes::{DirectHandlers, Route, router};
use crate::http::connection::connection_io::Calls;
use crate::http::problem::{Problem, ProblemKind};
use crate::http::read_request::{check_sizes, demand_host, read_body};
use crate::http::{Answer, HttpSettings, Service};
use crate::metrics::{MethodLabel, Metrics};
use crate::telemetry::{AccessLog, AccessRecord, Tracer};
use bytes::Bytes;
use futures_util::FutureExt;
use http::header::{ALLOW, CACHE_CONTROL, CONNECTION, X_CONTENT_TYPE_OPTIONS};
use http::request::Parts;
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::{Body, Incoming};
use routerify_ng::{RequestService, RequestServiceBuilder};
use std::convert::Infallible;
use std::future::Future;
use std::mem::replace;
use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;
use tokio::sync::watch;

/// The edge of the service: one for the process.
pub struct Edge {
    gate: Gate,
    router: RequestServiceBuilder<Infallible>,
    direct: DirectHandlers,
    settings: HttpSettings,
    metrics: Arc<Metrics>,
    access_log: AccessLog,
    tracer: Tracer,
    draining: watch::Receiver<bool>,
    queue: Queue,
}

/// Who sent a request: a name that keeps the idempotency keys of one client apart from another's.
#[derive(Clone)]
struct Client(Arc<str>);

/// The client's name for what is kept under it.
pub(in crate::http) fn client_of(request: &crate::http::Request) -> String {
    request
        .extensions()
        .get::<Client>()
        .map_or_else(String::new, |client| client.0.to_string())
}

impl Edge {
    /// The edge around the routes of `service`.
    ///
    /// # Errors
    /// When a route cannot be understood by the router.
    pub fn new<S: UserStore>(
        service: &Arc<Service<S>>,
        access_log: AccessLog,
        tracer: Tracer,
        gate: Gate,
    ) -> Result<Self, routerify_ng::Error> {
        let settings = service.settings.clone();
        let metrics = service.metrics.clone();
        let draining = service.draining.clone();
        Ok(Self {
            gate,
            router: build(service)?,
            direct: DirectHandlers::new(service),
            queue: Queue::new(settings.queue_limit, settings.queue_target),
            settings,
            metrics,
            access_log,
            tracer,
            draining,
        })
    }

    /// What answers the requests of one connection.
    pub(in crate::http) fn connection(
        self: &Arc<Self>,
        peer: SocketAddr,
        calls: Calls,
    ) -> EdgeConnection {
        EdgeConnection(Arc::new(ConnectionState {
            edge: self.clone(),
            router: self.router.build(peer),
            peer,
            calls,
            activity: Arc::default(),
        }))
    }
}

fn build<S: UserStore>(
    service: &Arc<Service<S>>,
) -> Result<RequestServiceBuilder<Infallible>, routerify_ng::Error> {
    let plain = |error: routerify_ng::RouteError| routerify_ng::Error::new(error.to_string());
    RequestServiceBuilder::new(router(service).map_err(plain)?).map_err(plain)
}

struct ConnectionState {
    edge: Arc<Edge>,
    router: RequestService<Infallible>,
    peer: SocketAddr,
    calls: Calls,
    activity: Arc<Activity>,
}

/// How many requests of a connection have begun and ended.
#[derive(Default)]
pub(in crate::http) struct Activity {
    begun: AtomicUsize,
    ended: AtomicUsize,
}

impl Activity {
    /// How many requests have begun, and how many of them are not ended.
    pub(in crate::http) fn now(&self) -> (usize, usize) {
        let ended = self.ended.load(Ordering::Relaxed);
        let begun = self.begun.load(Ordering::Relaxed);
        (begun, begun.wrapping_sub(ended))
    }
}

/// Counts a request of a connection as ended when it is dropped.
struct Begun(Arc<ConnectionState>);

impl Drop for Begun {
    fn drop(&mut self) {
        self.0.activity.ended.fetch_add(1, Ordering::Relaxed);
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
}

impl hyper::service::Service<Request<Incoming>> for EdgeConnection {
    type Response = Answer;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Answer, Infallible>> + Send>>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        let state = self.0.clone();
        state.calls.called();
        state.activity.begun.fetch_add(1, Ordering::Relaxed);
        let begun = Begun(state);
        // Lent from here on: a function that waits and owns a request keeps room for it twice, and what is larger than
        // a kilobyte is costly to allocate.
        let (mut parts, mut body) = request.into_parts();
        Box::pin(async move { Ok(begun.0.answer(&mut parts, &mut body).await) })
    }
}

impl ConnectionState {
    async fn answer(&self, parts: &mut Parts, body: &mut Incoming) -> Answer {
        let started = Instant::now();
        let edge = &*self.edge;
        let _metric = edge.metrics.request_started();
        let route = Route::of(parts.uri.path());
        let method = MethodLabel::from_name(parts.method.as_str());
        let id = request_id(&parts.headers);
        let traceparents = parts.headers.get_all("traceparent").iter();
        let (trace, span) = edge
            .tracer
            .request(traceparents.map(HeaderValue::as_bytes), method.as_str());
        // Kept for a problem document alone, so copied only when there is one; cheap: the path is shared.
        let uri = parts.uri.clone();
        let request_bytes = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);

        let waits = route.waits(uri.query());
        let place = edge.queue.enter(self.entrant(waits));
        let mut rate = None;
        let outcome = if place.is_none() {
            edge.metrics.request_shed();
            // One that waits for changes comes back for the next free place: it costs little.
            if !waits {
                self.calls.turned_away();
            }
            Err(ProblemKind::Unavailable
                .with_detail("the service is working on as many requests as it can")
                .retry_after(1))
        } else {
            match AssertUnwindSafe(self.dispatch(parts, body, route, &mut rate))
                .catch_unwind()
                .await
            {
                Ok(outcome) => outcome,
                Err(panic) => Err(panicked(&*panic, as_text(&id))),
            }
        };
        let mut answer = outcome.unwrap_or_else(Problem::into_response);
        if let Some(problem) = answer.extensions_mut().remove::<Arc<Problem>>() {
            log_cause(&problem, as_text(&id));
            answer = told(&problem, route, uri.path(), as_text(&id));
        }
        if let (Some(state), Some(limits)) = (rate, &edge.gate.rate_limits) {
            limits.tell(state, answer.headers_mut());
        }
        let now = Instant::now();
        let duration = now.saturating_duration_since(started);
        if let Some(place) = place {
            place.leave(duration, now);
        }
        let status = answer.status().as_u16();
        let response_bytes =
            usize::try_from(answer.body().size_hint().lower()).unwrap_or(usize::MAX);
        edge.metrics.http_finished(
            route as usize,
            method,
            status,
            duration,
            request_bytes,
            response_bytes,
        );
        edge.access_log.write(&AccessRecord {
            request_id: as_text(&id),
            trace,
            method: method.as_str(),
            route: route.template(),
            status,
            duration,
        });
        span.finish(route.template(), status);
        self.finish(&mut answer, id);
        answer
    }

    fn entrant(&self, waits: bool) -> Entrant {
        if waits {
            Entrant::Reader
        } else if self.calls.came_early() {
            Entrant::EarlyRequest
        } else {
            Entrant::Request
        }
    }

    /// Header fields that every answer has.
    fn finish(&self, answer: &mut Answer, id: HeaderValue) {
        let draining = *self.edge.draining.borrow();
        let headers = answer.headers_mut();
        headers.insert(X_REQUEST_ID, id);
        headers
            .entry(CACHE_CONTROL)
            .or_insert(HeaderValue::from_static("no-store"));
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        if draining {
            // The client is asked to go elsewhere with its next request, instead of finding the connection closed.
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
    }

    async fn dispatch(
        &self,
        parts: &mut Parts,
        body: &mut Incoming,
        route: Route,
        rate: &mut Option<RateState>,
    ) -> Result<Answer, Problem> {
        let settings = &self.edge.settings;
        check_sizes(parts, settings)?;
        demand_host(parts.version, &parts.headers)?;
        if settings.redirect_plain_http
            && let Some(answer) = plain_http::redirect(&parts.uri, &parts.headers)?
        {
            return Ok(answer);
        }
        if route == Route::Unmatched {
            return Err(ProblemKind::NotFound.into_problem());
        }
        let method = &parts.method;
        if !route.allows(method) {
            let problem = ProblemKind::MethodNotAllowed
                .with_detail(format!("this resource knows {}", route.allow()));
            return Err(problem.with_header(ALLOW, HeaderValue::from_static(route.allow())));
        }
        if method == Method::OPTIONS {
            return Ok(options(route));
        }
        let reads_body = Route::reads_body(method);
        let client = match route.scope(method) {
            Some(scope) => {
                let gate = &self.edge.gate;
                let metrics = &self.edge.metrics;
                let admitted = gate.admit(&parts.headers, self.peer.ip(), scope, metrics, rate);
                Some(Client(admitted.await?.client))
            }
            None => None,
        };
        let bytes = if reads_body {
            read_body(
                &parts.headers,
                body,
                settings.body_limit_bytes,
                settings.body_timeout,
            )
            .await?
        } else {
            Bytes::new()
        };
        // Only what is created can be asked for again under a key.
        if let Some(client) = client
            && parts.method == Method::POST
        {
            parts.extensions.insert(client);
        }
        let handler = self.edge.direct.of(route, &parts.method, parts.uri.path());
        // Whole again, and no longer lent; nobody looks at what is left behind.
        let (nothing, ()) = Request::new(()).into_parts();
        let request = Request::from_parts(replace(parts, nothing), Full::new(bytes));
        if let Some(handler) = handler {
            return handler(request).await;
        }
        let routed = hyper::service::Service::call(&self.router, request).await;
        // The router fails on a path alone that is not UTF-8 once it is decoded: such a path names nothing.
        routed.map_err(|_| {
            if route == Route::User {
                ProblemKind::UserNotFound.into_problem()
            } else {
                ProblemKind::NotFound.into_problem()
            }
        })
    }
}

fn options(route: Route) -> Answer {
    let mut answer = Response::new(Full::default());
    *answer.status_mut() = StatusCode::NO_CONTENT;
    let headers = answer.headers_mut();
    headers.insert(ALLOW, HeaderValue::from_static(route.allow()));
    if route == Route::User {
        headers.insert(ACCEPT_PATCH_HEADER, HeaderValue::from_static(ACCEPT_PATCH));
    }
    if route == Route::Users {
        headers.insert(ACCEPT_QUERY, HeaderValue::from_static("application/json"));
    }
    answer
}

#[cfg(test)]
mod tests {
    use super::{ConnectionState, Incoming, Parts};

    /// The bytes that the future of a function takes.
    fn room<'a, F>(
        _: impl FnOnce(&'a ConnectionState, &'a mut Parts, &'a mut Incoming) -> F,
    ) -> usize {
        size_of::<F>()
    }

    #[test]
    fn a_request_in_work_takes_less_than_a_kilobyte() {
        let room = room(ConnectionState::answer);
        assert!(room <= 1024 - size_of::<(Parts, Incoming)>(), "{room}");
    }
}
