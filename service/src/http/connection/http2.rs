//! HTTP/2 on one connection, with limits that make its known floods end the connection and nothing else.
//!
//! Rapid resets, endless CONTINUATION frames and windows that never open are the client's to send;
//! what they may cost is decided here.

use super::idle::{idle_for_too_long, unread_for_too_long};
use super::limits::ServerLimits;
use super::write_deadline::WriteDeadline;
use crate::http::edge::service::EdgeConnection;
use crate::metrics::Metrics;
use hyper::server::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

/// Requests of one connection at a time.
const MAX_STREAMS: u32 = 128;
/// Streams that a client has reset and that were not accepted yet: beyond them it is an attack.
const MAX_PENDING_RESETS: usize = 32;
/// Resets by us for the client's mistakes, over the life of the connection.
const MAX_LOCAL_RESETS: usize = 256;
/// Bytes of bodies that are on the way, of one request and of all: more than a body may have would only lie around.
const STREAM_WINDOW_BYTES: u32 = 64 * 1024;
const CONNECTION_WINDOW_BYTES: u32 = 1024 * 1024;
/// Bytes of answers that wait for a client that does not read them, per request.
const SEND_BUFFER_BYTES: usize = 256 * 1024;
/// A silent client is asked whether it is still there, and has this long to say so.
const PING_INTERVAL: Duration = Duration::from_secs(20);
const PING_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a connection may take to finish requests in progress during shutdown.
const IDLE_END: Duration = Duration::from_secs(5);

/// The bytes that begin HTTP/2 and cannot begin HTTP/1.
const PREFACE: &[u8] = b"PRI ";

/// Whether the client begins with HTTP/2, without TLS to negotiate it (prior knowledge).
pub(super) async fn begins_with_http2(stream: &TcpStream, patience: Duration) -> bool {
    let look = async {
        let mut first = [0; PREFACE.len()];
        loop {
            match stream.peek(&mut first).await {
                Ok(0) | Err(_) => return false,
                Ok(n) if !PREFACE.starts_with(&first[..n]) => return false,
                Ok(n) if n == PREFACE.len() => return true,
                // A client that sends less than four bytes per packet is not an ordinary client.
                Ok(_) => sleep(Duration::from_millis(5)).await,
            }
        }
    };
    timeout(patience, look).await.unwrap_or(false)
}

/// Serves until the client goes, has been silent for too long, or the service shuts down.
pub(super) async fn serve<I>(
    io: I,
    service: EdgeConnection,
    limits: ServerLimits,
    metrics: Arc<Metrics>,
    mut draining: watch::Receiver<bool>,
) where
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (activity, unread) = (service.activity(), service.unread());
    let io = WriteDeadline::new(io, limits.write_timeout, metrics.clone());
    let header_bytes = u32::try_from(limits.head_buffer_bytes).unwrap_or(u32::MAX);
    let mut connection = pin!(
        http2::Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .max_concurrent_streams(MAX_STREAMS)
            .max_pending_accept_reset_streams(MAX_PENDING_RESETS)
            .max_local_error_reset_streams(MAX_LOCAL_RESETS)
            .max_header_list_size(header_bytes)
            .initial_stream_window_size(STREAM_WINDOW_BYTES)
            .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
            .max_send_buf_size(SEND_BUFFER_BYTES)
            .keep_alive_interval(PING_INTERVAL)
            .keep_alive_timeout(PING_TIMEOUT)
            .serve_connection(TokioIo::new(io), service)
    );
    let mut told_to_end = pin!(async { draining.wait_for(|draining| *draining).await.map(drop) });
    let mut idle = pin!(idle_for_too_long(&activity, limits.idle()));
    let unread = pin!(unread_for_too_long(&unread, limits.write_timeout));
    tokio::select! {
        // How it ended is nothing that the service could change.
        _ = connection.as_mut() => {}
        _ = told_to_end.as_mut() => {
            connection.as_mut().graceful_shutdown();
            // Bounded by the drain, which cuts off what does not end.
            let _ = connection.await;
        }
        // The client keeps its windows shut: there is nobody to say goodbye to.
        () = unread => metrics.write_timed_out(),
        () = idle.as_mut() => {
            connection.as_mut().graceful_shutdown();
            let _ = timeout(IDLE_END, connection).await;
        }
    }
}
