//! A release that is broken on purpose: `cargo xtask e2e` deploys it to verify that the deploy rolls back.
//!
//! It replaces the service in an image. `BAD_RELEASE` selects the failure: `crash`, `unready`, `migration` or `errors`.
//! It is never shipped.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::ExitCode;
use std::thread;

fn main() -> ExitCode {
    let fault = std::env::var("BAD_RELEASE").unwrap_or_default();
    let command = std::env::args().nth(1).unwrap_or_default();
    match (command.as_str(), fault.as_str()) {
        ("migrate", "migration") => failed("the migration V9__bad cannot be applied: on purpose"),
        // The smoke test would find the fault; this release represents one that passes it.
        ("migrate" | "smoke-test", _) => ExitCode::SUCCESS,
        ("serve", "crash") => failed("cannot start: on purpose"),
        ("serve", "unready" | "errors" | "migration") => serve(&fault),
        _ => failed("BAD_RELEASE or the command is unknown"),
    }
}

fn failed(why: &str) -> ExitCode {
    let _ = writeln!(std::io::stderr(), "bad release: {why}");
    ExitCode::FAILURE
}

fn serve(fault: &str) -> ExitCode {
    let (Ok(api), Ok(admin)) = (
        TcpListener::bind("0.0.0.0:8080"),
        TcpListener::bind("0.0.0.0:8081"),
    ) else {
        return failed("a port is taken");
    };
    let ready = if fault == "unready" { 503 } else { 200 };
    thread::spawn(move || answer_all(&api, |_| (500, String::from("{}"))));
    answer_all(&admin, move |path| match path {
        "/readyz" => (ready, String::new()),
        "/metrics" => (200, metrics()),
        _ => (200, String::new()),
    });
    ExitCode::SUCCESS
}

/// Counts requests to the API listener; it answers every one with 500.
static ERRORS: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);

fn metrics() -> String {
    let errors = ERRORS.load(std::sync::atomic::Ordering::Relaxed);
    format!(
        "roster_http_requests_total{{method=\"GET\",route=\"unmatched\",code=\"500\"}} {errors}\n"
    )
}

fn answer_all(
    listener: &TcpListener,
    answer: impl Fn(&str) -> (u16, String) + Send + Clone + 'static,
) {
    for stream in listener.incoming().flatten() {
        let answer = answer.clone();
        thread::spawn(move || respond(stream, &answer));
    }
}

fn respond(mut stream: TcpStream, answer: &impl Fn(&str) -> (u16, String)) {
    let mut buffer = [0; 8192];
    let Ok(length) = stream.read(&mut buffer) else {
        return;
    };
    let request = String::from_utf8_lossy(&buffer[..length]).into_owned();
    let target = request.split_whitespace().nth(1).unwrap_or("/");
    // The API server forwards the caller's parameters.
    let path = target.split('?').next().unwrap_or(target);
    let (status, body) = answer(path);
    if status == 500 {
        ERRORS.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    }
    let length = body.len();
    let head =
        format!("HTTP/1.1 {status} -\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n");
    let _ = stream.write_all((head + &body).as_bytes());
}
