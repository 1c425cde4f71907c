//! The bytes of a connection, on their way to the client.
//!
//! What hyper refuses before any handler runs (a head that is too large or cannot be parsed), it answers by itself with
//! an empty body. Here such an answer is given the problem document that every error of the service has.
//!
//! A connection whose request was turned away is not read for a moment: refusing costs about as much as reading a user,
//! and clients that ask again at once would have the service refuse instead of serve (docs/adr/0049).

use crate::http::problem::{Problem, ProblemKind};
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

/// How long a connection is not read once a request on it was turned away: as long as `Retry-After` says.
const PAUSE: Duration = Duration::from_secs(1);

/// What the handler of a connection's requests tells about them.
#[derive(Clone, Default)]
pub(in crate::http) struct Calls(Arc<State>);

#[derive(Default)]
struct State {
    called: AtomicBool,
    turned_away: AtomicBool,
    came_early: AtomicBool,
}

impl Calls {
    /// A handler was called, so what is written next is its answer.
    pub(in crate::http) fn called(&self) {
        self.0.called.store(true, Ordering::Relaxed);
    }

    /// The request found no place.
    pub(in crate::http) fn turned_away(&self) {
        self.0.turned_away.store(true, Ordering::Relaxed);
    }

    /// Whether the request was there before the pause of the one before it was over.
    pub(in crate::http) fn came_early(&self) -> bool {
        self.0.came_early.load(Ordering::Relaxed)
    }
}

/// A stream whose refusals have a body.
pub(super) struct ConnectionIo<T> {
    stream: T,
    calls: Calls,
    /// Nothing is read before it has elapsed.
    pause: Option<Pin<Box<Sleep>>>,
    /// What is written instead of hyper's bare answer, and how far it is.
    refusal: Option<(Vec<u8>, usize)>,
}

impl<T> ConnectionIo<T> {
    pub(super) fn new(stream: T, calls: Calls) -> Self {
        Self {
            stream,
            calls,
            pause: None,
            refusal: None,
        }
    }

    pub(super) fn into_inner(self) -> T {
        self.stream
    }

    fn is_refusal(&self, bytes: &[u8]) -> bool {
        !self.calls.0.called.load(Ordering::Relaxed)
            && bytes.starts_with(b"HTTP/1.")
            && bytes.get(9) == Some(&b'4')
    }
}

fn refusal(bare: &[u8]) -> Vec<u8> {
    let kind = match bare.get(9..12) {
        Some(b"431") => ProblemKind::HeadersTooLarge,
        Some(b"414") => ProblemKind::UriTooLong,
        _ => ProblemKind::MalformedRequest,
    };
    let detail = match kind {
        ProblemKind::MalformedRequest => "the request is not HTTP as it has to be",
        _ => kind.title(),
    };
    head_and_body(&kind.with_detail(detail))
}

fn head_and_body(problem: &Problem) -> Vec<u8> {
    let id = crate::http::edge::request_id::request_id(&http::HeaderMap::new());
    let id = crate::http::edge::request_id::as_text(&id);
    let body = problem.document("", id).to_string();
    let status = problem.kind.status();
    format!(
        "HTTP/1.1 {} {}\r\ncontent-type: application/problem+json\r\ncontent-length: {}\r\nx-request-id: {id}\r\n\
         cache-control: no-store\r\nx-content-type-options: nosniff\r\nconnection: close\r\n\r\n{body}",
        status.as_u16(),
        status.canonical_reason().unwrap_or("Error"),
        body.len(),
    )
    .into_bytes()
}

impl<T: AsyncRead + Unpin> AsyncRead for ConnectionIo<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.calls.0.turned_away.load(Ordering::Relaxed) {
            self.calls.0.turned_away.store(false, Ordering::Relaxed);
            self.pause = Some(Box::pin(sleep(PAUSE)));
        }
        let has_paused = self.pause.is_some();
        if let Some(pause) = &mut self.pause {
            ready!(pause.as_mut().poll(context));
            self.pause = None;
        }
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        if read.is_ready() {
            // What is there as soon as the pause is over was there before.
            let state = &self.calls.0;
            state.came_early.store(has_paused, Ordering::Relaxed);
        }
        read
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for ConnectionIo<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.refusal.is_none() && self.is_refusal(bytes) {
            self.refusal = Some((refusal(bytes), 0));
        }
        if self.refusal.is_some() {
            ready!(self.poll_refusal(context))?;
            return Poll::Ready(Ok(bytes.len()));
        }
        let written = ready!(Pin::new(&mut self.stream).poll_write(context, bytes))?;
        if written == bytes.len() {
            self.calls.0.called.store(false, Ordering::Relaxed);
        }
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

impl<T: AsyncWrite + Unpin> ConnectionIo<T> {
    fn poll_refusal(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while let Some((bytes, done)) = &mut self.refusal {
            if *done == bytes.len() {
                break;
            }
            let written = ready!(Pin::new(&mut self.stream).poll_write(context, &bytes[*done..]))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            *done += written;
        }
        Poll::Ready(Ok(()))
    }
}
