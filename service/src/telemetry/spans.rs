//! The span of a request, for builds and settings that export spans; no cost otherwise.

use tracing::Span;
use tracing::field::Empty;

use super::span_target::SPAN_TARGET;
use crate::trace_context::TraceContext;

/// Opens the spans of requests. Cheap to copy; a default one opens none.
#[derive(Clone, Copy, Default, Debug)]
pub struct Tracer {
    pub(super) exporting: bool,
}

impl Tracer {
    /// Places a request in its trace by its `traceparent` header values, and opens its span.
    pub fn request<'a>(
        self,
        traceparents: impl IntoIterator<Item = &'a [u8]>,
        method: &'static str,
    ) -> (TraceContext, RequestSpan) {
        if !self.exporting {
            return (TraceContext::of_request(traceparents), RequestSpan::none());
        }
        let span = tracing::info_span!(
            target: SPAN_TARGET,
            "request",
            otel.kind = "server",
            otel.status_code = Empty,
            http.request.method = method,
            http.route = Empty,
            http.response.status_code = Empty,
        );
        let caller = TraceContext::of_caller(traceparents);
        let trace = placed(&span, caller);
        let span = RequestSpan {
            span,
            #[cfg(feature = "otlp")]
            method,
        };
        (trace, span)
    }
}

/// The context of a span that continues `caller`'s trace; the exporter assigns its ids.
#[cfg(feature = "otlp")]
fn placed(span: &Span, caller: Option<TraceContext>) -> TraceContext {
    super::otlp::place(span, caller)
        .unwrap_or_else(|| caller.map_or_else(TraceContext::start, TraceContext::child))
}

#[cfg(not(feature = "otlp"))]
fn placed(_: &Span, caller: Option<TraceContext>) -> TraceContext {
    caller.map_or_else(TraceContext::start, TraceContext::child)
}

/// A request's span; ends on drop.
#[derive(Debug)]
pub struct RequestSpan {
    span: Span,
    #[cfg(feature = "otlp")]
    method: &'static str,
}

impl RequestSpan {
    /// A span that is not exported.
    pub const fn none() -> Self {
        Self {
            span: Span::none(),
            #[cfg(feature = "otlp")]
            method: "",
        }
    }

    /// Ends the span with the response's attributes.
    pub fn finish(self, route: &'static str, status: u16) {
        if self.span.is_disabled() {
            return;
        }
        #[cfg(feature = "otlp")]
        super::otlp::name(&self.span, format!("{} {route}", self.method));
        self.span.record("http.route", route);
        self.span
            .record("http.response.status_code", i64::from(status));
        if status >= 500 {
            self.span.record("otel.status_code", "ERROR");
        }
    }
}
