//! Bodies that were not read to their end when the response was there: refused ones, mostly.
//!
//! The client must see the response, and must know whether the connection can be used again.

use bytes::Bytes;
use futures_util::FutureExt;
use http::header::EXPECT;
use http::{HeaderMap, Version};
use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;

/// How long such a body is read on over HTTP/2.
const TIME_LIMIT: Duration = Duration::from_secs(5);
/// How much of it is read and thrown away.
const BYTES_LIMIT: usize = 32 * 1024 * 1024;
/// The most such bodies of a connection at a time; the streams of further ones are reset at once.
const PER_CONNECTION: usize = 8;

/// The unread bodies of one connection.
#[derive(Default)]
pub(super) struct UnreadBodies {
    /// Held once more by each body that is read on.
    places: Arc<()>,
}

/// What a body that nobody will read means for its connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Afterwards {
    /// It can be used again.
    Reusable,
    /// It is closed after the response, which has to say so (RFC 9112, 9.6): a client that sends its next request there
    /// would find it closed.
    Closed,
}

impl UnreadBodies {
    /// Deals with what is left of a body; `is_read` when the handler had all of it, which hyper does not say of one in chunks.
    pub(super) fn leave(
        &self,
        version: Version,
        headers: &HeaderMap,
        is_read: bool,
        mut body: Incoming,
    ) -> Afterwards {
        if is_read || body.is_end_stream() {
            Afterwards::Reusable
        } else if version == Version::HTTP_2 {
            self.read_on(body);
            Afterwards::Reusable
        // Reading would ask a client that waits for 100 Continue to send.
        } else if headers.contains_key(EXPECT) || !has_arrived(&mut body) {
            Afterwards::Closed
        } else {
            Afterwards::Reusable
        }
    }

    /// Reads on, within limits, what the client still sends.
    ///
    /// Otherwise the stream is reset right behind the response, with `NO_ERROR`, as RFC 9113 (8.1) permits. Java's client
    /// and httpx then wait for ever and curl 7.88 reports a stream error, none of them the 413 that they received.
    fn read_on(&self, mut body: Incoming) {
        if Arc::strong_count(&self.places) > PER_CONNECTION {
            return;
        }
        let place = self.places.clone();
        tokio::spawn(async move {
            let reading = async {
                let mut read = 0;
                while read < BYTES_LIMIT
                    && let Some(Ok(frame)) = body.frame().await
                {
                    read += frame.data_ref().map_or(0, Bytes::len);
                }
            };
            // The outcome concerns nobody: the response has been sent.
            let _ = timeout(TIME_LIMIT, reading).await;
            drop(place);
        });
    }
}

/// Whether all of a body is there already, as of small ones that come with their head; throws it away.
fn has_arrived(body: &mut Incoming) -> bool {
    loop {
        match body.frame().now_or_never() {
            Some(None) => return true,
            Some(Some(Ok(_))) => {}
            Some(Some(Err(_))) | None => return body.is_end_stream(),
        }
    }
}
