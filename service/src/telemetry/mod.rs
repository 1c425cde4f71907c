//! Logs: events are copied into queues; dedicated threads format and write them.
//!
//! Nothing here may slow down or fail a request: a full disk, a missing directory or an unreachable syslog server costs
//! log lines, never responses. Lost lines are counted and logged. This module knows neither HTTP nor the database;
//! metrics read the counts from it.

mod access_line;
mod batch;
mod capture;
mod client_name;
mod entry;
mod error;
mod escaped;
mod format;
mod journal;
#[cfg(feature = "otlp")]
mod otlp;
mod output;
mod settings;
mod sinks;
mod span_target;
mod spans;
mod syslog_server;
mod writer;

pub use entry::AccessRecord;
pub use error::TelemetryError;
pub use settings::{LogFormat, SyslogTarget, TelemetrySettings};
pub use sinks::{AccessLog, LostLines};
pub use spans::{RequestSpan, Tracer};

use std::io::{self, IsTerminal as _};
use std::panic::{self, PanicHookInfo};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use tracing::Subscriber;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::{Layer, Registry};

use batch::Batch;
use capture::Capture;
use entry::Entry;
use format::Format;
use output::{LogFile, Output, StandardOutput};
use sinks::{Sink, SinkState, Sinks};
use writer::{Trouble, Writer};

/// How long writing the last lines may take at shutdown.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(2);

/// The running log. Queued lines are written on drop.
pub struct Telemetry {
    sinks: Arc<Sinks>,
    threads: Vec<JoinHandle<()>>,
    #[cfg(feature = "otlp")]
    exporter: Option<otlp::Exporter>,
}

/// Starts the log and makes it the process' `tracing` subscriber.
///
/// An unreachable log file or server is not an error: it is logged in the other sinks and retried.
///
/// # Errors
/// See [`TelemetryError`].
pub fn start(settings: &TelemetrySettings) -> Result<Telemetry, TelemetryError> {
    let telemetry = Telemetry::open(settings)?;
    let subscriber = Registry::default().with(telemetry.layer());
    tracing::subscriber::set_global_default(subscriber)?;
    panic::set_hook(Box::new(log_panic));
    Ok(telemetry)
}

impl Telemetry {
    /// Opens the sinks without touching the process' `tracing` subscriber.
    ///
    /// # Errors
    /// See [`TelemetryError`].
    pub fn open(settings: &TelemetrySettings) -> Result<Self, TelemetryError> {
        let mut outputs: Vec<(&'static str, Format, Box<dyn Output>)> = Vec::new();
        if let Some(format) = standard_output_format(settings) {
            let output = StandardOutput::open().map_err(TelemetryError::StandardOutput)?;
            outputs.push(("stdout", format, Box::new(output)));
        }
        if let Some(path) = &settings.file {
            outputs.push(("file", Format::syslog(), Box::new(LogFile::new(path))));
        }
        if let Some(target) = &settings.syslog {
            let format = match target {
                SyslogTarget::Journal(_) => Format::Journal,
                SyslogTarget::Unix(_) | SyslogTarget::Udp(_) | SyslogTarget::Tcp(_) => {
                    Format::syslog()
                }
            };
            outputs.push(("syslog", format, syslog_server::output(target)));
        }

        let (all, queues): (Vec<Sink>, Vec<Receiver<Entry>>) = outputs
            .iter()
            .map(|(name, ..)| queue(name, settings.queue_lines))
            .unzip();
        let sinks = Arc::new(Sinks {
            level: settings.level,
            all,
        });
        let mut telemetry = Self {
            sinks: Arc::clone(&sinks),
            threads: Vec::new(),
            #[cfg(feature = "otlp")]
            exporter: None,
        };
        for ((queue, sink), (name, format, output)) in
            queues.into_iter().zip(&sinks.all).zip(outputs)
        {
            let writer = Writer {
                name,
                queue,
                state: Arc::clone(&sink.state),
                sinks: Arc::clone(&sinks),
                format,
                output,
                batch: Batch::default(),
                trouble: Trouble::default(),
            };
            let thread = thread::Builder::new()
                .name(format!("log-{name}"))
                .spawn(|| writer.run())
                .map_err(TelemetryError::Thread)?;
            telemetry.threads.push(thread);
        }
        if let Some(endpoint) = &settings.otlp_endpoint {
            telemetry.export_spans(endpoint)?;
        }
        Ok(telemetry)
    }

    #[cfg(feature = "otlp")]
    fn export_spans(&mut self, endpoint: &str) -> Result<(), TelemetryError> {
        self.exporter = Some(otlp::Exporter::start(endpoint, &self.sinks)?);
        Ok(())
    }

    #[cfg(not(feature = "otlp"))]
    #[expect(
        clippy::unused_self,
        reason = "the signature of the build with this feature"
    )]
    fn export_spans(&mut self, _: &str) -> Result<(), TelemetryError> {
        Err(TelemetryError::NoOtlp)
    }

    /// A `tracing` layer that sends events to this log, and spans of requests to the collector.
    pub fn layer<S>(&self) -> Box<dyn Layer<S> + Send + Sync>
    where
        S: Subscriber + for<'a> LookupSpan<'a> + Send + Sync,
    {
        let sinks = Arc::clone(&self.sinks);
        let events = Capture { sinks }.with_filter(capture::kept(self.sinks.level));
        #[cfg(feature = "otlp")]
        if let Some(exporter) = &self.exporter {
            // Not `and_then` with an `Option`: a layer that is `None` disables the other.
            return Box::new(events.and_then(exporter.layer()));
        }
        Box::new(events)
    }

    /// The tracer of requests, for the edge.
    pub fn tracer(&self) -> Tracer {
        #[cfg(feature = "otlp")]
        let exporting = self.exporter.is_some();
        #[cfg(not(feature = "otlp"))]
        let exporting = false;
        Tracer { exporting }
    }

    /// The access log, for the edge; it writes nothing below `info`.
    pub fn access_log(&self) -> AccessLog {
        let wanted = self.sinks.level >= LevelFilter::INFO && !self.sinks.all.is_empty();
        AccessLog {
            sinks: wanted.then(|| Arc::clone(&self.sinks)),
        }
    }

    /// Reopens the log file and the connection to the syslog server, as after a rotation. No line is lost: lines
    /// already written are in the old file, all others go to the new one.
    pub fn reopen(&self) {
        for sink in &self.sinks.all {
            sink.state.reopen.store(true, Ordering::Relaxed);
        }
        self.sinks.wake();
    }

    /// The counts of lost lines, for the metrics.
    pub fn lost_lines(&self) -> Vec<LostLines> {
        let sinks = self.sinks.all.iter();
        sinks
            .map(|sink| LostLines {
                sink: sink.name,
                state: Arc::clone(&sink.state),
            })
            .collect()
    }
}

impl Drop for Telemetry {
    fn drop(&mut self) {
        // First, while errors can still be logged.
        #[cfg(feature = "otlp")]
        drop(self.exporter.take());
        for sink in &self.sinks.all {
            sink.state.stop.store(true, Ordering::Relaxed);
        }
        self.sinks.wake();
        let deadline = Instant::now() + FLUSH_TIMEOUT;
        for thread in self.threads.drain(..) {
            while !thread.is_finished() && Instant::now() < deadline {
                thread::sleep(Duration::from_millis(1));
            }
            // A writer whose destination blocks is abandoned: the process exits without it.
            if thread.is_finished() {
                let _ = thread.join();
            }
        }
    }
}

/// Replaces the standard hook, which prints messages that may contain data from a client.
fn log_panic(panic: &PanicHookInfo<'_>) {
    let literal = panic.payload().downcast_ref::<&str>().copied();
    let place = panic.location().map(ToString::to_string);
    tracing::error!(
        place = place.as_deref().unwrap_or("unknown"),
        panic = literal.unwrap_or("its message is kept out of the log"),
        "a thread panicked: this is a bug, please report it"
    );
}

fn queue(name: &'static str, capacity: usize) -> (Sink, Receiver<Entry>) {
    let (sender, receiver) = sync_channel(capacity);
    let sink = Sink {
        name,
        capacity,
        queue: sender,
        state: Arc::new(SinkState::default()),
    };
    (sink, receiver)
}

fn standard_output_format(settings: &TelemetrySettings) -> Option<Format> {
    let terminal = io::stdout().is_terminal();
    let human = Format::Human {
        colour: settings.colour && terminal,
    };
    match settings.format {
        LogFormat::Off => None,
        LogFormat::Human => Some(human),
        LogFormat::Json => Some(Format::Json),
        LogFormat::Auto => Some(if terminal { human } else { Format::Json }),
    }
}
