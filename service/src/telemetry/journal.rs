//! Formats an entry for systemd's journal: the fields of its native protocol, one `NAME=value` per line.
//!
//! <https://systemd.io/JOURNAL_NATIVE_PROTOCOL/>. The journal does not parse RFC 5424, and of RFC 3164 only a form
//! without a host name: an entry in another form has no identifier and no fields.

use std::io::Write as _;

use tracing::Level;

use super::access_line::{push_address, push_hex, push_number, push_time};
use super::entry::{Access, Event, Value};
use super::escaped::Escaped;

/// The facility `daemon` and the name, as in syslog's messages. Every line ends with a line feed: the journal drops a
/// last field without one.
const IDENTITY: &[u8] = b"\nSYSLOG_FACILITY=3\nSYSLOG_IDENTIFIER=roster\n";
/// The journal's limit for a name, in bytes; longer ones are dropped with their value.
const NAME_MAX: usize = 64;
const PREFIX: &str = "ROSTER_";

/// Appends a line of the access log.
pub(super) fn access(access: &Access, entry: &mut Vec<u8>) {
    entry.extend_from_slice(b"MESSAGE=");
    entry.extend_from_slice(access.method.as_bytes());
    entry.push(b' ');
    entry.extend_from_slice(access.route.as_bytes());
    entry.push(b' ');
    push_number(entry, u64::from(access.status));
    entry.extend_from_slice(b"\nPRIORITY=6");
    entry.extend_from_slice(IDENTITY);
    entry.extend_from_slice(b"ROSTER_TIME=");
    push_time(entry, access.time);
    // Its alphabet is that of the contract; `Escaped` is for the line that would otherwise begin another field.
    let _ = write!(
        entry,
        "\nROSTER_REQUEST_ID={}",
        Escaped(access.request_id())
    );
    entry.extend_from_slice(b"\nROSTER_TRACE_ID=");
    push_hex(entry, access.trace_id);
    entry.extend_from_slice(b"\nROSTER_METHOD=");
    entry.extend_from_slice(access.method.as_bytes());
    entry.extend_from_slice(b"\nROSTER_ROUTE=");
    entry.extend_from_slice(access.route.as_bytes());
    entry.extend_from_slice(b"\nROSTER_STATUS=");
    push_number(entry, u64::from(access.status));
    entry.extend_from_slice(b"\nROSTER_DURATION_US=");
    push_number(entry, access.duration_us);
    entry.extend_from_slice(b"\nROSTER_PEER=");
    push_address(entry, access.peer);
    for (name, value) in [
        (&b"\nROSTER_CLIENT="[..], access.client.as_bytes()),
        (b"\nROSTER_REFUSED=", access.refused.as_bytes()),
    ] {
        if !value.is_empty() {
            entry.extend_from_slice(name);
            entry.extend_from_slice(value);
        }
    }
    entry.push(b'\n');
}

/// Appends any other event.
pub(super) fn event(event: &Event, entry: &mut Vec<u8>) {
    let priority = match event.level {
        Level::ERROR => 3,
        Level::WARN => 4,
        Level::INFO => 6,
        _ => 7,
    };
    let _ = write!(
        entry,
        "MESSAGE={}\nPRIORITY={priority}",
        Escaped(&event.message)
    );
    entry.extend_from_slice(IDENTITY);
    entry.extend_from_slice(b"ROSTER_TIME=");
    push_time(entry, event.time);
    let _ = writeln!(entry, "\nROSTER_TARGET={}", event.target);
    for (name, value) in &event.fields {
        let _ = match value {
            Value::Text(text) => writeln!(entry, "{}={}", field_name(name), Escaped(text)),
            Value::Bool(value) => writeln!(entry, "{}={value}", field_name(name)),
            Value::Signed(number) => writeln!(entry, "{}={number}", field_name(name)),
            Value::Unsigned(number) => writeln!(entry, "{}={number}", field_name(name)),
            Value::Float(number) => writeln!(entry, "{}={number}", field_name(name)),
        };
    }
}

/// A name that the journal keeps: capital letters, digits and underscores.
fn field_name(name: &str) -> String {
    let allowed = |c: char| {
        if c.is_ascii_alphanumeric() {
            c.to_ascii_uppercase()
        } else {
            '_'
        }
    };
    PREFIX
        .chars()
        .chain(name.chars().map(allowed))
        .take(NAME_MAX)
        .collect()
}
