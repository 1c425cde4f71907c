//! What observing one request costs on the thread that answers it: `cargo bench --bench telemetry`.
//!
//! Nanoseconds a call, the best and the median of many rounds; between rounds the writers catch
//! up, so that no line is lost and the common path is what is measured.

#![allow(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a program for people who measure"
)]

use std::hint::black_box;
use std::time::{Duration, Instant};

use roster::metrics::{BuildInfo, MethodLabel, Metrics};
use roster::telemetry::{AccessRecord, LogFormat, Telemetry, TelemetrySettings};
use roster::trace_context::TraceContext;

const ROUNDS: usize = 200;
const CALLS: u32 = 1_000;
const ROUTES: &[&str] = &["/v1/users", "/v1/users/{id}", "unmatched"];
const TRACEPARENT: &[u8] = b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

fn measure(what: &str, mut call: impl FnMut()) {
    let mut rounds: Vec<f64> = (0..ROUNDS)
        .map(|_| {
            let started = Instant::now();
            for _ in 0..CALLS {
                call();
            }
            let spent = started.elapsed();
            std::thread::sleep(Duration::from_millis(10));
            spent.as_secs_f64() * 1e9 / f64::from(CALLS)
        })
        .collect();
    rounds.sort_by(f64::total_cmp);
    println!("{what:<44} {:>7.0} {:>7.0}", rounds[0], rounds[ROUNDS / 2]);
}

fn record(request_id: &str, trace: TraceContext) -> AccessRecord<'_> {
    AccessRecord {
        request_id,
        trace,
        method: "GET",
        route: "/v1/users/{id}",
        status: 200,
        duration: Duration::from_micros(412),
        peer: [192, 0, 2, 1].into(),
        client: Some("billing"),
        refused: "",
    }
}

fn main() {
    let scratch = std::env::temp_dir().join(format!("roster-bench-{}", std::process::id()));
    std::fs::create_dir_all(&scratch).expect("a scratch directory");
    let settings = |file: &str| TelemetrySettings {
        format: LogFormat::Off,
        file: Some(scratch.join(file)),
        ..TelemetrySettings::default()
    };
    let id = "01936f5e-7c1a-7000-8000-0123456789ab";
    println!("{:<44} {:>7} {:>7}  (ns a call)", "", "best", "median");

    measure("traceparent: continue", || {
        black_box(TraceContext::of_request(black_box([TRACEPARENT])));
    });
    measure("traceparent: start", || {
        black_box(TraceContext::of_request(black_box([])));
    });
    let metrics = Metrics::new(
        ROUTES,
        BuildInfo {
            version: "0",
            revision: "0",
        },
    )
    .expect("metrics");
    measure("metrics of a finished request", || {
        let duration = black_box(Duration::from_micros(412));
        metrics.http_finished(1, MethodLabel::Get, black_box(200), duration, 0, 300);
    });
    measure("requests in flight", || {
        drop(black_box(metrics.request_started()));
    });

    let telemetry = Telemetry::open(&settings("one.log")).expect("opens");
    let log = telemetry.access_log();
    let trace = TraceContext::start();
    measure("access log, one sink", || {
        log.write(black_box(&record(id, trace)));
    });
    as_tracing_event(&telemetry, id);
    let lost: u64 = telemetry
        .lost_lines()
        .iter()
        .map(roster::telemetry::LostLines::total)
        .sum();
    drop(telemetry);
    println!("lines lost meanwhile: {lost}");

    measure("span of a request, not exported", || {
        let (_, span) = roster::telemetry::Tracer::default().request([TRACEPARENT], "GET");
        span.finish(black_box("/v1/users/{id}"), black_box(200));
    });
    #[cfg(feature = "otlp")]
    exported_span();
    writer_throughput(&settings("throughput.log"), id, trace);
    std::fs::remove_dir_all(&scratch).expect("removed");
}

/// How many RFC 5424 lines a second one writer formats and writes.
fn writer_throughput(settings: &TelemetrySettings, id: &str, trace: TraceContext) {
    const LINES: usize = 50_000;
    let settings = TelemetrySettings {
        queue_lines: LINES,
        ..settings.clone()
    };
    let telemetry = Telemetry::open(&settings).expect("opens");
    let log = telemetry.access_log();
    for _ in 0..LINES {
        log.write(&record(id, trace));
    }
    let started = Instant::now();
    drop(telemetry);
    let spent = started.elapsed().as_secs_f64();
    let lines = f64::from(u32::try_from(LINES).expect("small"));
    println!("one writer: about {:.0} lines a second", lines / spent);
}

/// What the access log would cost as an event of `tracing`.
fn as_tracing_event(telemetry: &Telemetry, id: &str) {
    use tracing_subscriber::layer::SubscriberExt as _;

    let subscriber = tracing_subscriber::registry().with(telemetry.layer());
    tracing::subscriber::with_default(subscriber, || {
        measure("the same as a tracing event", || {
            tracing::info!(
                target: "roster::access",
                request_id = black_box(id),
                trace_id = "4bf92f3577b34da6a3ce929d0e0e4736",
                method = "GET",
                route = "/v1/users/{id}",
                status = 200,
                duration_us = 412,
            );
        });
    });
}

/// With an exporter whose collector answers nothing: what counts here is the request's thread.
#[cfg(feature = "otlp")]
fn exported_span() {
    use tracing_subscriber::layer::SubscriberExt as _;

    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("bound");
    let settings = TelemetrySettings {
        format: LogFormat::Off,
        otlp_endpoint: Some(format!(
            "http://{}",
            listener.local_addr().expect("an address")
        )),
        ..TelemetrySettings::default()
    };
    let telemetry = Telemetry::open(&settings).expect("opens");
    let tracer = telemetry.tracer();
    let subscriber = tracing_subscriber::registry().with(telemetry.layer());
    tracing::subscriber::with_default(subscriber, || {
        measure("span of a request, exported", || {
            let (_, span) = tracer.request([TRACEPARENT], "GET");
            span.finish(black_box("/v1/users/{id}"), black_box(200));
        });
        let unsampled: &[u8] = b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00";
        measure("span of a request, not sampled", || {
            let (_, span) = tracer.request([unsampled], "GET");
            span.finish(black_box("/v1/users/{id}"), black_box(200));
        });
    });
}
