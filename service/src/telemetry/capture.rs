//! The `tracing` layer: copies an event's fields into an entry and queues it.
//!
//! Other crates' events are only kept from `warn` on, at any configured level: below it, HTTP and database libraries
//! print headers and parameters, which must never reach a log. The `log` facade is not bridged, for the same reason.

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::{Event as TracingEvent, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::Context;

use super::entry::{Entry, Event, Value, bounded};
use super::sinks::Sinks;
use super::span_target::SPAN_TARGET;

/// Which events are kept at a level.
pub(super) fn kept(level: LevelFilter) -> Targets {
    Targets::new()
        .with_default(level.min(LevelFilter::WARN))
        .with_target("roster", level)
        .with_target(SPAN_TARGET, LevelFilter::OFF)
}

pub(super) struct Capture {
    pub(super) sinks: Arc<Sinks>,
}

impl<S: Subscriber> Layer<S> for Capture {
    fn on_event(&self, event: &TracingEvent<'_>, _: Context<'_, S>) {
        let metadata = event.metadata();
        let mut fields = Fields::default();
        event.record(&mut fields);
        self.sinks.push(&Entry::Event(Arc::new(Event {
            time: SystemTime::now(),
            level: *metadata.level(),
            target: metadata.target(),
            message: fields.message,
            fields: fields.others,
        })));
    }
}

#[derive(Default)]
struct Fields {
    message: String,
    others: Vec<(&'static str, Value)>,
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let text = format!("{value:?}");
        if field.name() == "message" {
            self.message = bounded(&text);
        } else {
            self.others.push((field.name(), Value::text(&text)));
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "message" {
            self.message = bounded(value);
        } else {
            self.others.push((field.name(), Value::text(value)));
        }
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.others.push((field.name(), Value::Bool(value)));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.others.push((field.name(), Value::Signed(value)));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.others.push((field.name(), Value::Unsigned(value)));
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.others.push((field.name(), Value::Float(value)));
    }
}
