//! A stand-in for Slack's API: accepts messages by incoming webhook and `chat.postMessage`, rejects what Slack would
//! reject (`block_kit.rs`), responds 429 if configured, and keeps accepted messages.
//!
//! For tests and rehearsals on this machine only. It must not know who sends the messages.

mod block_kit;
mod cli;
mod command;

use std::convert::Infallible;
use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::sync::oneshot;

/// The webhook's path: three parts, like Slack's.
const WEBHOOK_PATH: &str = "/services/T0STANDIN/B0STANDIN/not-a-secret";
/// The only token that `chat.postMessage` accepts.
const BOT_TOKEN: &str = "xoxb-stand-in";
/// The maximum request size that Slack accepts.
const BODY_LIMIT_BYTES: usize = 1024 * 1024;

/// Parses the command line and runs the stand-in.
pub fn main() -> ExitCode {
    xtask::program::main(|cli: cli::Cli| match cli.command {
        cli::Command::SlackStandIn(args) => command::run(args),
    })
}

/// How the stand-in behaves.
#[derive(Clone, Debug, Default)]
pub struct Behaviour {
    /// Responds to this many messages with 429 before accepting any.
    pub rate_limited: u32,
    /// The seconds in `Retry-After` of a 429.
    pub retry_after_s: u32,
    /// Responds to every message with this status, without reading it.
    pub broken: Option<u16>,
    /// Appends every accepted message to this file, one line of JSON each.
    pub record: Option<PathBuf>,
}

/// A running stand-in; stops when dropped.
pub struct SlackStandIn {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

#[derive(Default)]
struct State {
    behaviour: Behaviour,
    accepted: Vec<Value>,
    refused: Vec<String>,
    requests: u32,
}

impl SlackStandIn {
    /// Starts it on this address; port 0 for any free port.
    pub fn start(listen: SocketAddr, behaviour: Behaviour) -> Result<Self> {
        let listener = std::net::TcpListener::bind(listen)
            .with_context(|| format!("cannot listen on {listen}"))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let state = Arc::new(Mutex::new(State {
            behaviour,
            ..State::default()
        }));
        let (stop, stopped) = oneshot::channel();
        let shared = Arc::clone(&state);
        let thread = std::thread::spawn(move || runtime.block_on(serve(listener, shared, stopped)));
        Ok(Self {
            address,
            state,
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    /// The URL of its incoming webhook.
    pub fn webhook_url(&self) -> String {
        format!("http://{}{WEBHOOK_PATH}", self.address)
    }

    /// The root of its Web API (`…/chat.postMessage`).
    pub fn api_url(&self) -> String {
        format!("http://{}/api", self.address)
    }

    /// The token that its Web API accepts.
    #[allow(clippy::unused_self, reason = "a token belongs to a server")]
    pub fn bot_token(&self) -> &'static str {
        BOT_TOKEN
    }

    /// The accepted messages, oldest first.
    pub fn accepted(&self) -> Vec<Value> {
        self.state().accepted.clone()
    }

    /// The reasons for rejected messages, oldest first.
    pub fn refused(&self) -> Vec<String> {
        self.state().refused.clone()
    }

    /// The number of requests received.
    pub fn requests(&self) -> u32 {
        self.state().requests
    }

    /// Blocks forever, because its thread never exits by itself.
    pub fn wait(mut self) {
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for SlackStandIn {
    fn drop(&mut self) {
        self.stop.take();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

async fn serve(
    listener: std::net::TcpListener,
    state: Arc<Mutex<State>>,
    mut stopped: oneshot::Receiver<()>,
) {
    let Ok(listener) = tokio::net::TcpListener::from_std(listener) else {
        return;
    };
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = &mut stopped => return,
        };
        let Ok((stream, _)) = accepted else { continue };
        let state = Arc::clone(&state);
        let service =
            hyper::service::service_fn(move |request| answer(request, Arc::clone(&state)));
        tokio::spawn(async move {
            // A client that disconnects is not an error of the stand-in.
            let _ = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

async fn answer(
    request: Request<Incoming>,
    state: Arc<Mutex<State>>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let body = Limited::new(body, BODY_LIMIT_BYTES)
        .collect()
        .await
        .map(http_body_util::Collected::to_bytes);
    let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
    state.requests += 1;
    if let Some(status) = state.behaviour.broken {
        return Ok(text(status, "server_error"));
    }
    if state.behaviour.rate_limited > 0 {
        state.behaviour.rate_limited -= 1;
        let mut response = text(429, "rate_limited");
        response
            .headers_mut()
            .insert("retry-after", state.behaviour.retry_after_s.into());
        return Ok(response);
    }
    let Ok(body) = body else {
        return Ok(text(413, "msg_too_long"));
    };
    Ok(match (&head.method, head.uri.path()) {
        (&Method::POST, WEBHOOK_PATH) => match state.take(&body, false) {
            Ok(()) => text(200, "ok"),
            Err(refusal) => text(400, &refusal.code),
        },
        (&Method::POST, "/api/chat.postMessage") => web_api(&head, &body, &mut state),
        (&Method::POST, path) if path.starts_with("/services/") => text(404, "no_service"),
        _ => text(404, "not_found"),
    })
}

/// The Web API always returns 200, with the result in the body.
fn web_api(
    head: &hyper::http::request::Parts,
    body: &Bytes,
    state: &mut State,
) -> Response<Full<Bytes>> {
    let authorization = head
        .headers
        .get("authorization")
        .and_then(|value| value.to_str().ok());
    if authorization != Some(&format!("Bearer {BOT_TOKEN}")) {
        return json_text(
            &json!({"ok": false, "error": if authorization.is_some() { "invalid_auth" } else { "not_authed" }}),
        );
    }
    match state.take(body, true) {
        Ok(()) => {
            json_text(&json!({"ok": true, "channel": "C0STANDIN", "ts": "1700000000.000100"}))
        }
        Err(refusal) => json_text(&json!({
            "ok": false,
            "error": refusal.code,
            "response_metadata": {"messages": refusal.reasons},
        })),
    }
}

impl State {
    fn take(&mut self, body: &[u8], needs_channel: bool) -> Result<(), block_kit::Refusal> {
        let outcome = serde_json::from_slice(body)
            .map_err(|_| block_kit::Refusal {
                code: "invalid_payload".into(),
                reasons: Vec::new(),
            })
            .and_then(|message: Value| {
                block_kit::check_message(&message, needs_channel).map(|()| message)
            });
        match outcome {
            Ok(message) => {
                self.record(&message);
                self.accepted.push(message);
                Ok(())
            }
            Err(refusal) => {
                let reason = format!("{}: {}", refusal.code, refusal.reasons.join("; "));
                printing::eprintln!("refused: {reason}");
                self.refused.push(reason);
                Err(refusal)
            }
        }
    }

    fn record(&self, message: &Value) {
        let Some(path) = &self.behaviour.record else {
            return;
        };
        let file = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(path);
        if let Err(error) = file.and_then(|mut file| writeln!(file, "{message}")) {
            printing::eprintln!("cannot record a message in {}: {error}", path.display());
        }
    }
}

fn text(status: u16, body: &str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body.to_owned())));
    *response.status_mut() =
        StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response
}

fn json_text(body: &Value) -> Response<Full<Bytes>> {
    text(200, &body.to_string())
}

#[cfg(test)]
mod tests;
