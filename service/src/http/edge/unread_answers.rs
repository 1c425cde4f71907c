//! The answers of one HTTP/2 connection that its client has not read: a stream whose window stays shut keeps its answer in
//! memory, although the socket is read and written.

use crate::http::answer::{Answer, AnswerBody};
use bytes::Bytes;
use futures_util::FutureExt;
use http_body_util::BodyExt;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// When each answer of a connection was handed over that has not been sent as a whole.
#[derive(Default)]
pub(in crate::http) struct UnreadAnswers {
    next: AtomicU64,
    since: Mutex<BTreeMap<u64, Instant>>,
}

/// The body of an answer; no longer unread when this is dropped, which is when all of it is sent or given up.
struct Unread {
    bytes: Bytes,
    number: u64,
    all: Arc<UnreadAnswers>,
}

impl AsRef<[u8]> for Unread {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Unread {
    fn drop(&mut self) {
        self.all.lock().remove(&self.number);
    }
}

impl UnreadAnswers {
    /// The answer, which is unread until its body is dropped; of one that is made while it is sent, each piece is.
    pub(super) fn track(self: &Arc<Self>, answer: Answer) -> Answer {
        let (parts, body) = answer.into_parts();
        let body = match body {
            AnswerBody::Whole(mut body) => {
                let frame = body.frame().now_or_never().flatten();
                let bytes = frame.and_then(|frame| frame.ok()?.into_data().ok());
                bytes.map_or_else(AnswerBody::default, |bytes| {
                    AnswerBody::new(self.unread(bytes))
                })
            }
            AnswerBody::Streamed(mut body) => {
                let all = self.clone();
                body.map_data(move |bytes| all.unread(bytes));
                AnswerBody::Streamed(body)
            }
        };
        Answer::from_parts(parts, body)
    }

    fn unread(self: &Arc<Self>, bytes: Bytes) -> Bytes {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        self.lock().insert(number, Instant::now());
        let all = self.clone();
        Bytes::from_owner(Unread { bytes, number, all })
    }

    /// Since when the oldest of them is unread.
    pub(in crate::http) fn oldest(&self) -> Option<Instant> {
        self.lock().first_key_value().map(|(_, since)| *since)
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<u64, Instant>> {
        self.since.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
