//! The producers' side of the queues: pushing never waits.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::SyncSender;
use std::time::SystemTime;

use tracing::Level;
use tracing::level_filters::LevelFilter;

use super::entry::{Access, AccessRecord, Entry, Event, Value};

/// The state shared by both sides of a queue.
#[derive(Default)]
pub(super) struct SinkState {
    /// Lines that are lost.
    pub(super) lost: AtomicU64,
    /// A failure of the sink has been logged, and its end has not.
    pub(super) said: AtomicBool,
    /// Reopen the destination before the next line.
    pub(super) reopen: AtomicBool,
    /// Write what is queued and end.
    pub(super) stop: AtomicBool,
}

/// One sink's queue.
pub(super) struct Sink {
    pub(super) name: &'static str,
    pub(super) capacity: usize,
    pub(super) queue: SyncSender<Entry>,
    pub(super) state: Arc<SinkState>,
}

/// Every sink.
pub(super) struct Sinks {
    pub(super) level: LevelFilter,
    pub(super) all: Vec<Sink>,
}

impl Sinks {
    /// Queues an entry for each sink; if a queue is full, the line is dropped and counted.
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

    /// Makes every writer check its flags.
    pub(super) fn wake(&self) {
        for sink in &self.all {
            // The writer of a full queue is awake.
            let _ = sink.queue.try_send(Entry::Wake);
        }
    }

    /// Queues a sink's message about itself.
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
                "log lines are being lost: the sink `{}` is slower than the log; check its reader, or \
                    raise the log level",
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
    /// Queues an access log line. Copies without formatting or allocating.
    pub fn write(&self, record: &AccessRecord<'_>) {
        if let Some(sinks) = &self.sinks {
            sinks.push(&Entry::Access(Access::of(record)));
        }
    }
}

/// The number of lines that a sink has lost since the start.
#[derive(Clone)]
pub struct LostLines {
    pub(super) sink: &'static str,
    pub(super) state: Arc<SinkState>,
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
