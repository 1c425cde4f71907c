//! What a handler answers with: a response whose body is in memory, or is made while it is sent. Knows nothing of routes or users.

use bytes::Bytes;
use futures_util::{Stream, StreamExt as _};
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Response};
use http_body_util::Full;
use hyper::body::{Body, Frame, SizeHint};
use std::any::Any;
use std::pin::Pin;
use std::task::{Context, Poll};

/// A response.
pub(in crate::http) type Answer = Response<AnswerBody>;

/// The media type of the API's documents (RFC 8259).
pub(in crate::http) const APPLICATION_JSON: HeaderValue =
    HeaderValue::from_static("application/json");

/// A 200 with a JSON document.
pub(in crate::http) fn json(document: impl Into<Bytes>) -> Answer {
    let mut answer = Response::new(AnswerBody::new(document));
    answer.headers_mut().insert(CONTENT_TYPE, APPLICATION_JSON);
    answer
}

/// The body of an answer.
pub(in crate::http) enum AnswerBody {
    /// All of it is in memory.
    Whole(Full<Bytes>),
    /// It is made while it is sent; on the heap, so that all others carry no room for it.
    Streamed(Box<StreamedBody>),
}

/// Why an answer ends before its end: the client sees that it is incomplete, and the cause was logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the answer broke off")]
pub(in crate::http) struct BrokenOff;

type Frames = Pin<Box<dyn Stream<Item = Result<Frame<Bytes>, BrokenOff>> + Send>>;

/// How the sending of a body ended.
#[derive(Clone, Copy, Debug)]
pub(in crate::http) struct Sent {
    /// The bytes that were handed to the connection.
    pub(in crate::http) bytes: u64,
    /// Whether that was all of them.
    pub(in crate::http) is_complete: bool,
}

/// A body that is made while it is sent, no faster than the client reads it.
pub(in crate::http) struct StreamedBody {
    frames: Frames,
    sent: Sent,
    at_end: Option<Box<dyn FnOnce(Sent) + Send>>,
    /// What is held until the body has been sent or given up.
    held: Vec<Box<dyn Any + Send>>,
}

impl AnswerBody {
    /// A body that is in memory.
    pub(in crate::http) fn new(bytes: impl Into<Bytes>) -> Self {
        Self::Whole(Full::new(bytes.into()))
    }

    /// A body of these frames. One that fails ends the response, and over HTTP/1.1 its connection.
    pub(in crate::http) fn streamed(
        frames: impl Stream<Item = Result<Frame<Bytes>, BrokenOff>> + Send + 'static,
    ) -> Self {
        Self::Streamed(Box::new(StreamedBody {
            frames: Box::pin(frames),
            sent: Sent {
                bytes: 0,
                is_complete: false,
            },
            at_end: None,
            held: Vec::new(),
        }))
    }
}

impl Default for AnswerBody {
    fn default() -> Self {
        Self::Whole(Full::default())
    }
}

impl StreamedBody {
    /// Calls `at_end` once, when the body has been sent or given up.
    pub(in crate::http) fn at_end(&mut self, at_end: impl FnOnce(Sent) + Send + 'static) {
        self.at_end = Some(Box::new(at_end));
    }

    /// Drops `held` when the body has been sent or given up.
    pub(in crate::http) fn hold(&mut self, held: impl Any + Send) {
        self.held.push(Box::new(held));
    }

    /// Replaces each piece of data by what `replacement` makes of it.
    pub(in crate::http) fn map_data(
        &mut self,
        mut replacement: impl FnMut(Bytes) -> Bytes + Send + 'static,
    ) {
        let empty: Frames = Box::pin(futures_util::stream::empty());
        let frames = std::mem::replace(&mut self.frames, empty);
        self.frames =
            Box::pin(frames.map(move |frame| frame.map(|frame| frame.map_data(&mut replacement))));
    }
}

impl Drop for StreamedBody {
    fn drop(&mut self) {
        if let Some(at_end) = self.at_end.take() {
            at_end(self.sent);
        }
    }
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = BrokenOff;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BrokenOff>>> {
        match self.get_mut() {
            Self::Whole(body) => Pin::new(body)
                .poll_frame(context)
                .map_err(|never| match never {}),
            Self::Streamed(body) => {
                let frame = std::task::ready!(body.frames.poll_next_unpin(context));
                match &frame {
                    Some(Ok(frame)) => {
                        body.sent.bytes += frame.data_ref().map_or(0, |data| data.len() as u64);
                    }
                    Some(Err(BrokenOff)) => {}
                    None => body.sent.is_complete = true,
                }
                Poll::Ready(frame)
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole(body) => body.is_end_stream(),
            Self::Streamed(_) => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(body) => body.size_hint(),
            Self::Streamed(_) => SizeHint::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{AnswerBody, BrokenOff, Sent};
    use bytes::Bytes;
    use futures_util::stream;
    use http_body_util::BodyExt;
    use hyper::body::Frame;
    use std::sync::mpsc::channel;

    fn streamed(frames: Vec<Result<&'static str, BrokenOff>>) -> AnswerBody {
        let frames = frames
            .into_iter()
            .map(|frame| frame.map(|text| Frame::data(Bytes::from_static(text.as_bytes()))));
        AnswerBody::streamed(stream::iter(frames))
    }

    /// Reads a body for so many frames; returns how its sending ended.
    async fn read(mut body: AnswerBody, frames: usize) -> Sent {
        let (sender, receiver) = channel();
        if let AnswerBody::Streamed(body) = &mut body {
            body.at_end(move |sent| sender.send(sent).unwrap());
        }
        for _ in 0..frames {
            let _ = body.frame().await;
        }
        assert!(receiver.try_recv().is_err(), "it is not over yet");
        drop(body);
        receiver.recv().unwrap()
    }

    #[tokio::test]
    async fn a_body_that_was_read_to_its_end_is_complete() {
        let sent = read(streamed(vec![Ok("ab"), Ok("c")]), 3).await;
        assert!(sent.is_complete && sent.bytes == 3, "{sent:?}");
    }

    #[tokio::test]
    async fn a_body_that_was_given_up_or_broke_off_is_not() {
        let sent = read(streamed(vec![Ok("ab"), Ok("c")]), 1).await;
        assert!(!sent.is_complete && sent.bytes == 2, "{sent:?}");
        let sent = read(streamed(vec![Ok("ab"), Err(BrokenOff)]), 2).await;
        assert!(!sent.is_complete, "{sent:?}");
    }
}
