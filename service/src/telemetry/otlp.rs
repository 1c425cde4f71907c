//! Spans to an OpenTelemetry collector, by OTLP over HTTP with protobuf bodies.
//!
//! The SDK's batch processor sends from its own thread and drops spans if its queue is full; an unreachable collector
//! costs spans, never requests. Sampling follows the caller, and `OTEL_TRACES_SAMPLER` for traces that start here.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use opentelemetry::trace::{
    SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceId, TraceState, TracerProvider as _,
};
use opentelemetry::{Context, KeyValue};
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{SdkTracerProvider, Tracer};
use tracing::level_filters::LevelFilter;
use tracing::{Level, Span, Subscriber};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::registry::LookupSpan;

use super::entry::Value;
use super::error::TelemetryError;
use super::sinks::Sinks;
use super::span_target::SPAN_TARGET;
use crate::trace_context::TraceContext;

const SEND_TIMEOUT: Duration = Duration::from_secs(5);
const FLUSH_TIMEOUT: Duration = Duration::from_secs(2);
/// The path for spans on a collector.
const TRACES_PATH: &str = "/v1/traces";

/// Sends spans until it is dropped; queued ones are sent first.
pub(super) struct Exporter {
    provider: SdkTracerProvider,
    tracer: Tracer,
}

impl Exporter {
    pub(super) fn start(endpoint: &str, sinks: &Arc<Sinks>) -> Result<Self, TelemetryError> {
        let refused = |why: String| TelemetryError::OtlpEndpoint {
            endpoint: endpoint.to_owned(),
            why,
        };
        let address = endpoint.strip_prefix("http://").unwrap_or_default();
        if address.trim_matches('/').is_empty() {
            return Err(refused(
                "only plain HTTP is supported, for a collector nearby".to_owned(),
            ));
        }
        let base = endpoint.trim_end_matches('/');
        let url = if base.ends_with(TRACES_PATH) {
            base.to_owned()
        } else {
            format!("{base}{TRACES_PATH}")
        };
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(Collector::new(endpoint, Arc::clone(sinks)))
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(url)
            .with_timeout(SEND_TIMEOUT)
            .build()
            .map_err(|error| refused(error.to_string()))?;
        let version = KeyValue::new("service.version", env!("CARGO_PKG_VERSION"));
        let resource = Resource::builder()
            .with_service_name("roster")
            .with_attribute(version)
            .build();
        let provider = SdkTracerProvider::builder()
            .with_batch_exporter(exporter)
            .with_resource(resource)
            .build();
        let tracer = provider.tracer("roster");
        Ok(Self { provider, tracer })
    }

    pub(super) fn layer<S>(&self) -> impl Layer<S> + use<S>
    where
        S: Subscriber + for<'a> LookupSpan<'a> + Send + Sync,
    {
        // Source location and thread say nothing about a request.
        tracing_opentelemetry::layer()
            .with_tracer(self.tracer.clone())
            .with_location(false)
            .with_threads(false)
            .with_target(false)
            .with_tracked_inactivity(false)
            .with_context_activation(false)
            .with_filter(Targets::new().with_target(SPAN_TARGET, LevelFilter::INFO))
    }
}

impl Drop for Exporter {
    fn drop(&mut self) {
        // The collector's client has already logged failures.
        let _ = self.provider.shutdown_with_timeout(FLUSH_TIMEOUT);
    }
}

/// Makes `span` part of the caller's trace; returns its ids, if it has any.
pub(super) fn place(span: &Span, caller: Option<TraceContext>) -> Option<TraceContext> {
    if let Some(caller) = caller {
        let flags = if caller.is_sampled() {
            TraceFlags::SAMPLED
        } else {
            TraceFlags::default()
        };
        let parent = SpanContext::new(
            TraceId::from(caller.trace_id()),
            SpanId::from(caller.span_id()),
            flags,
            true,
            TraceState::default(),
        );
        // Fails for a span without an exporter, which has no ids either.
        let _ = span.set_parent(Context::new().with_remote_span_context(parent));
    }
    let context = span.context();
    let span = context.span();
    let ids = span.span_context();
    let trace_id = u128::from_be_bytes(ids.trace_id().to_bytes());
    let span_id = u64::from_be_bytes(ids.span_id().to_bytes());
    TraceContext::from_ids(trace_id, span_id, ids.is_sampled())
}

/// Names a span that has started, for which recording a field has no effect.
pub(super) fn name(span: &Span, name: String) {
    span.context().span().update_name(name);
}

/// The exporter's HTTP client, called from its thread. Logs once when the collector stops accepting spans, and once
/// when it accepts them again.
struct Collector {
    agent: ureq::Agent,
    endpoint: String,
    sinks: Arc<Sinks>,
    failing: AtomicBool,
}

impl Collector {
    fn new(endpoint: &str, sinks: Arc<Sinks>) -> Self {
        // It is nearby, by plain HTTP: no proxy may come between, whatever the variables say.
        let configuration = ureq::Agent::config_builder()
            .proxy(None)
            .timeout_global(Some(SEND_TIMEOUT))
            .http_status_as_error(false)
            .max_redirects(0)
            .build();
        Self {
            agent: configuration.into(),
            endpoint: endpoint.to_owned(),
            sinks,
            failing: AtomicBool::new(false),
        }
    }

    fn send(&self, request: &Request<Bytes>) -> Result<Response<Bytes>, ureq::Error> {
        let mut post = self.agent.post(request.uri());
        for (name, value) in request.headers() {
            post = post.header(name, value);
        }
        let (head, mut body) = post.send(request.body().as_ref())?.into_parts();
        Ok(Response::from_parts(head, body.read_to_vec()?.into()))
    }

    fn heard(&self, failure: Option<String>) {
        let fields = vec![("endpoint", Value::text(&self.endpoint))];
        match failure {
            Some(why) if !self.failing.swap(true, Ordering::Relaxed) => self.sinks.say(
                Level::WARN,
                format!("the collector does not accept spans ({why}); they are lost until it does"),
                fields,
            ),
            None if self.failing.swap(false, Ordering::Relaxed) => {
                self.sinks.say(
                    Level::INFO,
                    "the collector accepts spans again".to_owned(),
                    fields,
                );
            }
            _ => {}
        }
    }
}

impl std::fmt::Debug for Collector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Collector")
            .field("endpoint", &self.endpoint)
            .finish_non_exhaustive()
    }
}

#[async_trait::async_trait]
impl HttpClient for Collector {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        match self.send(&request) {
            Ok(response) => {
                let status = response.status();
                self.heard((!status.is_success()).then(|| format!("it returned {status}")));
                Ok(response)
            }
            Err(error) => {
                self.heard(Some(error.to_string()));
                Err(error.into())
            }
        }
    }
}
