//! The entries of the queues: compact copies of events, formatted later by the writer.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tracing::Level;

use super::client_name::ClientName;

use crate::trace_context::TraceContext;

/// The longest request id that the contract accepts from a client.
const REQUEST_ID_MAX: usize = 128;
/// The maximum length of a text (a message, a field's value) in an event, in bytes.
const TEXT_MAX: usize = 4_096;

/// One finished request.
#[derive(Clone, Copy, Debug)]
pub struct AccessRecord<'a> {
    /// The request's id, at most 128 bytes.
    pub request_id: &'a str,
    /// Its position in a trace.
    pub trace: TraceContext,
    /// The method, from the closed list of labels.
    pub method: &'static str,
    /// The route template, never the raw path.
    pub route: &'static str,
    /// The status code of the response.
    pub status: u16,
    /// From the request's head to the end of its answer.
    pub duration: Duration,
    /// The client's address.
    pub peer: IpAddr,
    /// The client, once it is authenticated.
    pub client: Option<&'a str>,
    /// Why its authentication failed, a word of a closed list; empty when it did not.
    pub refused: &'static str,
}

/// A line to write.
#[derive(Clone)]
#[expect(
    clippy::large_enum_variant,
    reason = "nearly every entry is an access line, which is copied without an allocation"
)]
pub(super) enum Entry {
    Access(Access),
    Event(Arc<Event>),
    /// Not a line: wakes a writer to check its flags.
    Wake,
}

/// An [`AccessRecord`] with its borrowed text copied inline: the hot path does not allocate.
#[derive(Clone, Copy)]
pub(super) struct Access {
    pub(super) time: SystemTime,
    pub(super) trace_id: u128,
    pub(super) duration_us: u64,
    pub(super) method: &'static str,
    pub(super) route: &'static str,
    pub(super) status: u16,
    pub(super) peer: IpAddr,
    pub(super) client: ClientName,
    pub(super) refused: &'static str,
    request_id_len: u8,
    request_id: [u8; REQUEST_ID_MAX],
}

impl Access {
    pub(super) fn of(record: &AccessRecord<'_>) -> Self {
        let text = cut(record.request_id, REQUEST_ID_MAX).as_bytes();
        let mut request_id = [0; REQUEST_ID_MAX];
        request_id[..text.len()].copy_from_slice(text);
        Self {
            time: SystemTime::now(),
            trace_id: record.trace.trace_id(),
            duration_us: u64::try_from(record.duration.as_micros()).unwrap_or(u64::MAX),
            method: record.method,
            route: record.route,
            status: record.status,
            peer: record.peer,
            client: ClientName::of(record.client),
            refused: record.refused,
            request_id_len: u8::try_from(text.len()).unwrap_or(0),
            request_id,
        }
    }

    pub(super) fn request_id(&self) -> &str {
        let bytes = &self.request_id[..usize::from(self.request_id_len)];
        std::str::from_utf8(bytes).unwrap_or_default()
    }
}

/// Any other event.
#[derive(Debug)]
pub(super) struct Event {
    pub(super) time: SystemTime,
    pub(super) level: Level,
    pub(super) target: &'static str,
    pub(super) message: String,
    pub(super) fields: Vec<(&'static str, Value)>,
}

/// A field's value.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Value {
    Bool(bool),
    Signed(i64),
    Unsigned(u64),
    Float(f64),
    Text(String),
}

impl Value {
    pub(super) fn text(text: &str) -> Self {
        Self::Text(bounded(text))
    }
}

/// The text, truncated so that a line is not too long for a syslog server.
pub(super) fn bounded(text: &str) -> String {
    let kept = cut(text, TEXT_MAX);
    if kept.len() == text.len() {
        kept.to_owned()
    } else {
        format!("{kept}…")
    }
}

fn cut(text: &str, max: usize) -> &str {
    &text[..text.floor_char_boundary(max)]
}
