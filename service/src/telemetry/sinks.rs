//! The near side of the queues: what requests and events push to, without ever waiting.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::SyncSender;
use std::time::SystemTime;

use tracing::Level;
use tracing::level_filters::LevelFilter;

use super::entry::{Access, AccessRecord, Entry, Event, Value};

/// What a queue's two sides share.
#[derive(Default)]
pub(super) struct State {
    /// Lines that nobody will read.
    pub(super) lost: AtomicU64,
    /// The sink's trouble has been said, and its end has not yet.
    pub(super) said: AtomicBool,
    /// Open the destination anew before the next line.
    pub(super) reopen: AtomicBool,
    /// Write what is queued and end.
    pub(super) stop: AtomicBool,
}

/// One sink's queue.
pub(super) struct Sink {
    pub(super) name: &'static str,
    pub(super) capacity: usize,
    pub(super) queue: SyncSender<Entry>,
    pub(super) state: Arc<State>,
}

/// Every sink.
pub(super) struct Sinks {
    pub(super) level: LevelFilter,
    pub(super) all: Vec<Sink>,
}

impl Sinks {
    /// Queues an entry for each sink; where a queue is full the line is lost and counted.
    pub(super) fn push(&self, entry: &Entry) {
        for sink in &self.all {
            if sink.queue.try_send(entry.clone()).is_err() {
                sink.state.lost.fetch_add(1, Ordering::Relaxed);
                if !sink.state.said.swap(true, Ordering::Relaxed) {
                    self.say_queue_full(sink);
                }
            }
        }
    }

    /// Has every writer look at its flags.
    pub(super) fn wake(&self) {
        for sink in &self.all {
            // A full queue's writer is awake.
            let _ = sink.queue.try_send(Entry::Wake);
        }
    }

    /// Queues what a sink has to say about itself.
    pub(super) fn say(&self, level: Level, message: String, fields: Vec<(&'static str, Value)>) {
        if self.level >= level {
            self.push(&Entry::Event(Arc::new(Event {
                time: SystemTime::now(),
                level,
                target: "roster::telemetry",
                message,
                fields,
            })));
        }
    }

    #[cold]
    fn say_queue_full(&self, sink: &Sink) {
        let lines = u64::try_from(sink.capacity).unwrap_or(u64::MAX);
        self.say(
            Level::WARN,
            format!(
                "log lines are being lost: the sink `{}` is slower than the log; look at what \
                 reads it, or raise the log level",
                sink.name
            ),
            vec![
                ("sink", Value::text(sink.name)),
                ("queue_lines", Value::Unsigned(lines)),
            ],
        );
    }
}

/// Writes the access log. Cheap to clone; a default one writes nothing.
#[derive(Clone, Default)]
pub struct AccessLog {
    pub(super) sinks: Option<Arc<Sinks>>,
}

impl AccessLog {
    /// Queues a line about an answered request. Copies; formats and allocates nothing.
    pub fn write(&self, record: &AccessRecord<'_>) {
        if let Some(sinks) = &self.sinks {
            sinks.push(&Entry::Access(Access::of(record)));
        }
    }
}

/// How many lines a sink has lost since the start.
#[derive(Clone)]
pub struct LostLines {
    pub(super) sink: &'static str,
    pub(super) state: Arc<State>,
}

impl LostLines {
    /// The sink's name: `stdout`, `file` or `syslog`.
    pub const fn sink(&self) -> &'static str {
        self.sink
    }

    /// The lines lost.
    pub fn total(&self) -> u64 {
        self.state.lost.load(Ordering::Relaxed)
    }
}
