//! The bytes of a connection, on their way to the client.
//!
//! What hyper refuses before any handler runs (a head that is too large or cannot be parsed), it answers by itself with
//! an empty body. Here such an answer is given the problem document that every error of the service has. Whose answer
//! is being written is known from the calls of the handler, not from the bytes: an interim response (100), a pipelined
//! request or an answer without a body looks like any other.
//!
//! A head has a limited time from its first byte on (hyper would count the idle time before it, too).
//!
//! A connection whose request was rejected is not read for a moment: refusing costs about as much as reading a user,
//! and clients that ask again at once would have the service refuse instead of serve (docs/adr/0049).

use crate::http::problem::{Problem, ProblemKind};
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

/// How long a connection is not read after a request on it was rejected: the time in `Retry-After`.
const PAUSE: Duration = Duration::from_secs(1);

/// What the handler reports about a connection's requests.
#[derive(Clone, Default)]
pub(in crate::http) struct Calls(Arc<State>);

/// No request is being answered: hyper reads the next head, and what it writes is a refusal of its own.
const READING_HEAD: u8 = 0;
/// The handler works on a request; hyper may write `100 Continue` meanwhile.
const HANDLING: u8 = 1;
/// The handler has answered, and hyper writes the answer.
const ANSWERING: u8 = 2;
/// The handler has answered, and the body of the answer is made while hyper writes it.
const STREAMING: u8 = 3;

#[derive(Default)]
struct State {
    phase: AtomicU8,
    /// A head has arrived as a whole since this was last looked at.
    head_arrived: AtomicBool,
    turned_away: AtomicBool,
    came_early: AtomicBool,
}

impl Calls {
    /// The handler was called.
    pub(in crate::http) fn called(&self) {
        self.0.phase.store(HANDLING, Ordering::Relaxed);
        self.0.head_arrived.store(true, Ordering::Relaxed);
    }

    /// The handler has answered. Hyper takes the answer at once, and flushes it when it has written all of it.
    pub(in crate::http) fn answered(&self) {
        self.0.phase.store(ANSWERING, Ordering::Relaxed);
    }

    /// The handler has answered with a body that is made while it is sent: hyper flushes it piece by piece, until what is
    /// returned is dropped.
    pub(in crate::http) fn streams(&self) -> Streaming {
        self.0.phase.store(STREAMING, Ordering::Relaxed);
        Streaming(self.clone())
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

/// A body that is made while it is sent.
pub(in crate::http) struct Streaming(Calls);

impl Drop for Streaming {
    fn drop(&mut self) {
        // What is left of the answer is written and flushed.
        self.0.answered();
    }
}

/// The head that arrives now, or will next.
struct Head {
    /// Whether the time for it runs: some of it has arrived, or it is the first.
    is_due: bool,
    timeout: Duration,
    /// Set only for a head that does not arrive in one piece: nearly all do.
    timer: Option<Pin<Box<Sleep>>>,
}

impl Head {
    fn arrived(&mut self) {
        self.is_due = false;
        self.timer = None;
    }

    /// Ready when the head has taken too long.
    fn poll_too_late(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if !self.is_due {
            return Poll::Pending;
        }
        let timeout = self.timeout;
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep(timeout)));
        timer.as_mut().poll(context)
    }
}

/// A stream whose refusals have a body.
pub(super) struct ConnectionIo<T> {
    stream: T,
    calls: Calls,
    head: Head,
    /// Nothing is read before it has elapsed.
    pause: Option<Pin<Box<Sleep>>>,
    /// What is written instead of hyper's bare answer, and how far it is.
    refusal: Option<(Vec<u8>, usize)>,
}

impl<T> ConnectionIo<T> {
    /// A head on it has to arrive within `head_timeout` of its first byte.
    pub(super) fn new(stream: T, calls: Calls, head_timeout: Duration) -> Self {
        Self {
            stream,
            calls,
            head: Head {
                // The first one is due from the beginning.
                is_due: true,
                timeout: head_timeout,
                timer: None,
            },
            pause: None,
            refusal: None,
        }
    }

    pub(super) fn into_inner(self) -> T {
        self.stream
    }

    fn is_refusal(&self, bytes: &[u8]) -> bool {
        self.calls.0.phase.load(Ordering::Relaxed) == READING_HEAD && !bytes.is_empty()
    }
}

fn refusal(bare: &[u8]) -> Vec<u8> {
    let kind = match bare.get(9..12) {
        Some(b"431") => ProblemKind::HeadersTooLarge,
        Some(b"414") => ProblemKind::UriTooLong,
        _ => ProblemKind::MalformedRequest,
    };
    let detail = match kind {
        ProblemKind::MalformedRequest => "the request is not valid HTTP",
        _ => kind.title(),
    };
    head_and_body(&kind.with_detail(detail))
}

fn head_and_body(problem: &Problem) -> Vec<u8> {
    let id = crate::http::edge::request_id::request_id(&http::HeaderMap::new());
    let id = crate::http::edge::request_id::as_text(&id);
    let body = problem.document("", id);
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
        let this = &mut *self;
        if this.calls.0.head_arrived.swap(false, Ordering::Relaxed) {
            this.head.arrived();
        }
        let is_head = this.calls.0.phase.load(Ordering::Relaxed) == READING_HEAD;
        let read = Pin::new(&mut this.stream).poll_read(context, buffer);
        if read.is_ready() {
            this.head.is_due |= is_head;
            // What is there as soon as the pause is over was there before.
            let state = &this.calls.0;
            state.came_early.store(has_paused, Ordering::Relaxed);
        } else if is_head && this.head.poll_too_late(context).is_ready() {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
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
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.stream).poll_flush(context))?;
        // Hyper flushes once nothing is left in its own buffer; an answer of ours is in there as a whole or not at all.
        let phase = &self.calls.0.phase;
        if phase.load(Ordering::Relaxed) == ANSWERING {
            phase.store(READING_HEAD, Ordering::Relaxed);
        }
        Poll::Ready(Ok(()))
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
