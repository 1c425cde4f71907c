//! The admin listener: liveness, readiness and metrics. Not for clients.

use crate::http::answer::{Answer, AnswerBody};
use crate::http::connection::server::Listener;
use crate::metrics::{self, Metrics};
use bytes::Bytes;
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::borrow::Cow;
use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Mutex, watch};
use tokio::time::Instant;

/// How long a result of the readiness check is reused: probes must not load the database.
const FRESH: Duration = Duration::from_millis(500);
const HEADER_TIMEOUT: Duration = Duration::from_secs(5);

/// What the service can do, or why it can do nothing.
type ReadyState = Result<Cow<'static, str>, String>;
type Check = Box<dyn Fn() -> Pin<Box<dyn Future<Output = ReadyState> + Send>> + Send + Sync>;

/// Whether the service can serve requests.
pub struct Readiness {
    check: Check,
    last: Mutex<Option<(Instant, ReadyState)>>,
    draining: watch::Receiver<bool>,
}

impl Readiness {
    /// Ready when `check` says so and the service is not shutting down.
    pub fn new<F>(
        draining: watch::Receiver<bool>,
        check: impl Fn() -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = ReadyState> + Send + 'static,
    {
        Self {
            check: Box::new(move || Box::pin(check())),
            last: Mutex::new(None),
            draining,
        }
    }

    async fn state(&self) -> ReadyState {
        if *self.draining.borrow() {
            return Err("shutting down".into());
        }
        let mut last = self.last.lock().await;
        match &*last {
            Some((at, state)) if at.elapsed() < FRESH => state.clone(),
            _ => {
                let state = (self.check)().await;
                *last = Some((Instant::now(), state.clone()));
                state
            }
        }
    }
}

/// What the admin listener answers with.
pub struct Admin {
    /// Whether the service can serve requests.
    pub readiness: Readiness,
    /// The metrics.
    pub metrics: Arc<Metrics>,
}

impl Admin {
    /// Serves until the process ends.
    pub async fn serve(self: Arc<Self>, listener: Listener) {
        loop {
            let Ok((stream, _)) = listener.accept().await else {
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            };
            let admin = self.clone();
            tokio::spawn(async move {
                let service = service_fn(move |request| {
                    let admin = admin.clone();
                    async move { Ok::<_, Infallible>(admin.answer(&request).await) }
                });
                let mut builder = http1::Builder::new();
                let builder = builder
                    .timer(TokioTimer::new())
                    .header_read_timeout(HEADER_TIMEOUT);
                // A probe that disconnects is not an event.
                let _ = builder
                    .serve_connection(TokioIo::new(stream), service)
                    .await;
            });
        }
    }

    async fn answer(&self, request: &Request<Incoming>) -> Answer {
        let path = request.uri().path();
        if !matches!(path, "/livez" | "/readyz" | "/metrics") {
            return text(
                StatusCode::NOT_FOUND,
                "not found; the admin listener serves /livez, /readyz and /metrics\n",
            );
        }
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            let mut answer = text(
                StatusCode::METHOD_NOT_ALLOWED,
                "method not allowed; use GET or HEAD\n",
            );
            answer
                .headers_mut()
                .insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
            return answer;
        }
        match path {
            "/livez" => text(StatusCode::OK, "ok\n"),
            "/readyz" => match self.readiness.state().await {
                Ok(what) => text(StatusCode::OK, format!("{what}\n")),
                Err(why) => text(StatusCode::SERVICE_UNAVAILABLE, format!("{why}\n")),
            },
            _ => match self.metrics.encode() {
                Ok(body) => {
                    let mut answer = text(StatusCode::OK, body);
                    answer.headers_mut().insert(
                        CONTENT_TYPE,
                        HeaderValue::from_static(metrics::CONTENT_TYPE),
                    );
                    answer
                }
                Err(error) => text(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    format!("the metrics cannot be encoded: {error}\n"),
                ),
            },
        }
    }
}

fn text(status: StatusCode, body: impl Into<Bytes>) -> Answer {
    let mut answer = Response::new(AnswerBody::new(body.into()));
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    headers.insert(
        CONTENT_TYPE,
        HeaderValue::from_static("text/plain; charset=utf-8"),
    );
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    answer
}
