//! What operators read: every line in every sink, as independent readers see it, and what
//! happens when a sink misbehaves. Needs no database.

#![allow(
    clippy::expect_used,
    clippy::print_stderr,
    reason = "a test's helpers fail as loudly as the test"
)]

mod full_disk;
mod journald;
mod log_file;
mod rfc5424;
mod rsyslogd;
mod spans;
mod standard_output;
mod syslog_servers;
mod trouble;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use roster::telemetry::{AccessRecord, LogFormat, Telemetry, TelemetrySettings};
use roster::trace_context::TraceContext;
use tracing_subscriber::layer::SubscriberExt as _;

/// A directory that is gone when the test is.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let unique = format!(
            "roster-logs-{name}-{}-{}",
            std::process::id(),
            fastrand::u32(..)
        );
        let path = std::env::temp_dir().join(unique);
        std::fs::create_dir_all(&path).expect("a scratch directory");
        Self(path)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn quiet() -> TelemetrySettings {
    TelemetrySettings {
        format: LogFormat::Off,
        ..TelemetrySettings::default()
    }
}

fn to_file(path: &Path) -> TelemetrySettings {
    TelemetrySettings {
        file: Some(path.to_owned()),
        ..quiet()
    }
}

/// Runs `events` with their `tracing` events going to `telemetry`.
fn logged<T>(telemetry: &Telemetry, events: impl FnOnce() -> T) -> T {
    let subscriber = tracing_subscriber::registry().with(telemetry.layer());
    tracing::subscriber::with_default(subscriber, events)
}

fn answered(request_id: &str) -> AccessRecord<'_> {
    AccessRecord {
        request_id,
        trace: TraceContext::from_ids(0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736, 7, true)
            .expect("ids"),
        method: "GET",
        route: "/v1/users/{id}",
        status: 200,
        duration: Duration::from_micros(412),
        peer: [192, 0, 2, 1].into(),
        client: Some("billing"),
        refused: "",
    }
}

fn lost(telemetry: &Telemetry, sink: &str) -> u64 {
    let mut sinks = telemetry.lost_lines().into_iter();
    let lines = sinks.find(|lines| lines.sink() == sink);
    lines.expect("the sink is there").total()
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}

/// Waits for what another thread or process does.
fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !holds() {
        assert!(Instant::now() < deadline, "never came true: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}
