//! Logs: what happens is copied into a queue, and threads of their own format and write it.
//!
//! Nothing here may slow a request or end one: a full disk, a missing directory or a dead
//! syslog server costs lines, never answers. Lost lines are counted and said. This module
//! knows neither HTTP nor the database; metrics ask it for what was lost.

mod access_line;
mod batch;
mod capture;
mod entry;
mod format;
#[cfg(feature = "otlp")]
mod otlp;
mod output;
mod settings;
mod sinks;
mod spans;
mod syslog_server;
mod writer;

pub use entry::AccessRecord;
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
use sinks::{Sink, Sinks, State};
use writer::{Trouble, Writer};

/// How long the last lines may take to be written when the service ends.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(2);

/// Why logging could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The process has no usable standard output.
    #[error("cannot use standard output for logs: {0}; say `--log-format off` to do without")]
    StandardOutput(#[source] io::Error),
    /// The system refused a thread.
    #[error("cannot start a thread that writes logs: {0}; raise the limit of tasks")]
    Thread(#[source] io::Error),
    /// Spans were asked for, and this build cannot send them.
    #[error(
        "this build sends no spans: leave `--otlp-endpoint` out, or build with `--features otlp`"
    )]
    NoOtlp,
    /// The collector's address is of no use.
    #[error("cannot send spans to `{endpoint}`: {why}; say it as `http://host:4318`")]
    OtlpEndpoint {
        /// What was given.
        endpoint: String,
        /// What is wrong with it.
        why: String,
    },
    /// Something in this process has set up `tracing` before.
    #[error("logging is set up already; it can be only once in a process")]
    AlreadyStarted(#[from] tracing::subscriber::SetGlobalDefaultError),
}

/// The running log. What is queued is written when it is dropped.
pub struct Telemetry {
    sinks: Arc<Sinks>,
    threads: Vec<JoinHandle<()>>,
    #[cfg(feature = "otlp")]
    exporter: Option<otlp::Exporter>,
}

/// Starts the log and makes it the process' `tracing` subscriber.
///
/// A log file or server that cannot be reached is no error: it is said in the other sinks, and
/// tried again.
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
            outputs.push(("syslog", Format::syslog(), syslog_server::output(target)));
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
    #[expect(clippy::unused_self, reason = "the signature of the build that can")]
    fn export_spans(&mut self, _: &str) -> Result<(), TelemetryError> {
        Err(TelemetryError::NoOtlp)
    }

    /// A `tracing` layer that puts events into this log, and spans of requests on their way to
    /// the collector.
    pub fn layer<S>(&self) -> Box<dyn Layer<S> + Send + Sync>
    where
        S: Subscriber + for<'a> LookupSpan<'a> + Send + Sync,
    {
        let sinks = Arc::clone(&self.sinks);
        let events = Capture { sinks }.with_filter(capture::kept(self.sinks.level));
        #[cfg(feature = "otlp")]
        if let Some(exporter) = &self.exporter {
            // Not `and_then` with an `Option`: a layer that is `None` switches the other off.
            return Box::new(events.and_then(exporter.layer()));
        }
        Box::new(events)
    }

    /// What the edge opens the spans of requests with.
    pub fn tracer(&self) -> Tracer {
        #[cfg(feature = "otlp")]
        let exporting = self.exporter.is_some();
        #[cfg(not(feature = "otlp"))]
        let exporting = false;
        Tracer { exporting }
    }

    /// What the edge writes the access log with; it writes nothing below `info`.
    pub fn access_log(&self) -> AccessLog {
        let wanted = self.sinks.level >= LevelFilter::INFO && !self.sinks.all.is_empty();
        AccessLog {
            sinks: wanted.then(|| Arc::clone(&self.sinks)),
        }
    }

    /// Opens the log file and the connection to the syslog server anew, as after a rotation.
    /// No line is lost: those already written are in the old file, all others go to the new.
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
        // First, while what goes wrong can still be said.
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
            // A writer whose destination blocks is left behind: the process ends without it.
            if thread.is_finished() {
                let _ = thread.join();
            }
        }
    }
}

/// Instead of the standard hook, which prints messages that may hold what a client sent.
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
        state: Arc::new(State::default()),
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
