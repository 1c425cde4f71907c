//! A stream on which nothing may stay unwritten for longer than a limit: a client that does not read would otherwise keep
//! its connection, and the answers on it, for ever.

use crate::metrics::Metrics;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

/// A stream whose writes fail with `TimedOut` when the client has taken nothing for the limit.
pub(in crate::http) struct WriteDeadline<T> {
    stream: T,
    limit: Duration,
    metrics: Arc<Metrics>,
    /// Set only while the client's buffers are full: nearly never.
    timer: Option<Pin<Box<Sleep>>>,
}

impl<T> WriteDeadline<T> {
    pub(in crate::http) fn new(stream: T, limit: Duration, metrics: Arc<Metrics>) -> Self {
        Self {
            stream,
            limit,
            metrics,
            timer: None,
        }
    }

    pub(super) fn into_inner(self) -> T {
        self.stream
    }

    /// Passes on the outcome of a write; one that has been pending for the limit has failed.
    fn bound<R>(
        &mut self,
        outcome: Poll<io::Result<R>>,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<R>> {
        if outcome.is_ready() {
            self.timer = None;
            return outcome;
        }
        let limit = self.limit;
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep(limit)));
        if timer.as_mut().poll(context).is_pending() {
            return Poll::Pending;
        }
        self.timer = None;
        self.metrics.write_timed_out();
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for WriteDeadline<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for WriteDeadline<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.bound(written, context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.bound(written, context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(context);
        self.bound(flushed, context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let shut = Pin::new(&mut self.stream).poll_shutdown(context);
        self.bound(shut, context)
    }
}

#[cfg(test)]
mod tests {
    use super::WriteDeadline;
    use crate::metrics::{BuildInfo, Metrics};
    use std::future::poll_fn;
    use std::pin::Pin;
    use std::task::Poll;
    use std::time::Duration;
    use tokio::io::{AsyncReadExt, AsyncWrite};

    /// One attempt to write a byte: whether it was taken.
    async fn write(stream: &mut WriteDeadline<tokio::io::DuplexStream>) -> bool {
        poll_fn(|context| {
            let outcome = Pin::new(&mut *stream).poll_write(context, b"x");
            Poll::Ready(matches!(outcome, Poll::Ready(Ok(1))))
        })
        .await
    }

    /// However slowly a client reads: each byte that it takes ends the time that it has, and the next begins at zero.
    #[tokio::test]
    async fn what_a_client_takes_begins_its_time_again() {
        let build = BuildInfo {
            version: "0",
            revision: "0",
        };
        let metrics = Metrics::new(&["/"], build).expect("metrics");
        let (ours, mut client) = tokio::io::duplex(1);
        let mut stream = WriteDeadline::new(ours, Duration::from_hours(1), metrics);
        for _ in 0..100 {
            // Otherwise tokio's budget for one turn ends the loop by a write that is not ready.
            tokio::task::yield_now().await;
            assert!(write(&mut stream).await, "there is room");
            assert!(
                stream.timer.is_none(),
                "no time runs for a client that reads"
            );
            assert!(!write(&mut stream).await, "the client's buffer is full");
            let first = stream.timer.as_ref().expect("its time runs").deadline();
            assert!(!write(&mut stream).await);
            let later = stream.timer.as_ref().expect("its time runs").deadline();
            assert_eq!(first, later, "trying again gives it no more time");
            client.read_u8().await.expect("a byte");
        }
    }
}
