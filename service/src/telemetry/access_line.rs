//! Lines of the access log, formatted by hand: there is one per request, and the general formatters, with a map and a
//! dozen strings per line, cost more than parsing the request.

use std::io::Write as _;
use std::net::IpAddr;
use std::time::SystemTime;

use syslog::Formatter5424;

use super::entry::Access;
use super::escaped::Escaped;
use crate::domain::Timestamp;

/// `daemon` and `info`, as RFC 5424 counts them.
const PRIORITY: &[u8] = b"<30>1 ";

/// Appends a JSON object.
pub(super) fn json(access: &Access, line: &mut Vec<u8>) {
    line.extend_from_slice(b"{\"timestamp\":\"");
    push_time(line, access.time);
    line.extend_from_slice(
        b"\",\"level\":\"INFO\",\"target\":\"access\",\"message\":\"request answered\",\"request_id\":",
    );
    push_json_text(line, access.request_id());
    line.extend_from_slice(b",\"trace_id\":\"");
    push_hex(line, access.trace_id);
    line.extend_from_slice(b"\",\"method\":\"");
    line.extend_from_slice(access.method.as_bytes());
    line.extend_from_slice(b"\",\"route\":\"");
    line.extend_from_slice(access.route.as_bytes());
    line.extend_from_slice(b"\",\"status\":");
    push_number(line, u64::from(access.status));
    line.extend_from_slice(b",\"duration_us\":");
    push_number(line, access.duration_us);
    line.extend_from_slice(b",\"peer\":\"");
    push_address(line, access.peer);
    line.push(b'"');
    for (name, value) in [
        (&b",\"client\":\""[..], access.client.as_bytes()),
        (b",\"refused\":\"", access.refused.as_bytes()),
    ] {
        if !value.is_empty() {
            line.extend_from_slice(name);
            // A word of a closed alphabet: nothing in it needs an escape.
            line.extend_from_slice(value);
            line.push(b'"');
        }
    }
    line.push(b'}');
}

/// The constant part of every RFC 5424 line of this process, between its time and its first value.
pub(super) fn syslog_middle(formatter: &Formatter5424, message_id: u32, data_id: &str) -> Vec<u8> {
    format!(
        " {} {} {} {message_id} [{data_id} duration_us=\"",
        formatter.hostname.as_deref().unwrap_or("localhost"),
        formatter.process,
        formatter.pid,
    )
    .into_bytes()
}

/// Appends an RFC 5424 message; `middle` is the result of [`syslog_middle`].
pub(super) fn syslog(middle: &[u8], access: &Access, line: &mut Vec<u8>) {
    line.extend_from_slice(PRIORITY);
    push_time(line, access.time);
    line.extend_from_slice(middle);
    push_number(line, access.duration_us);
    let client = access.client.as_bytes();
    if !client.is_empty() {
        line.extend_from_slice(b"\" client=\"");
        line.extend_from_slice(client);
    }
    line.extend_from_slice(b"\" method=\"");
    line.extend_from_slice(access.method.as_bytes());
    line.extend_from_slice(b"\" peer=\"");
    push_address(line, access.peer);
    if !access.refused.is_empty() {
        line.extend_from_slice(b"\" refused=\"");
        line.extend_from_slice(access.refused.as_bytes());
    }
    line.extend_from_slice(b"\" request_id=\"");
    push_parameter(line, access.request_id());
    line.extend_from_slice(b"\" route=\"");
    line.extend_from_slice(access.route.as_bytes());
    line.extend_from_slice(b"\" status=\"");
    push_number(line, u64::from(access.status));
    line.extend_from_slice(b"\" trace_id=\"");
    push_hex(line, access.trace_id);
    line.extend_from_slice(b"\"] ");
    line.extend_from_slice(access.method.as_bytes());
    line.push(b' ');
    line.extend_from_slice(access.route.as_bytes());
    line.push(b' ');
    push_number(line, u64::from(access.status));
}

pub(super) fn push_time(line: &mut Vec<u8>, time: SystemTime) {
    line.extend_from_slice(&Timestamp::from(time).rfc3339());
}

/// Request ids are visible ASCII, so only two characters need an escape; anything else is left to `serde_json`.
fn push_json_text(line: &mut Vec<u8>, text: &str) {
    if text
        .bytes()
        .all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\'))
    {
        line.push(b'"');
        line.extend_from_slice(text.as_bytes());
        line.push(b'"');
    } else {
        // Writing to a string cannot fail.
        let _ = serde_json::to_writer(line, text);
    }
}

/// A parameter's value (RFC 5424, section 6.3.3), with control characters escaped.
fn push_parameter(line: &mut Vec<u8>, text: &str) {
    let needs_no_escape =
        |byte| matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'\\' | b']');
    if text.bytes().all(needs_no_escape) {
        line.extend_from_slice(text.as_bytes());
        return;
    }
    for byte in Escaped(text).to_string().bytes() {
        if matches!(byte, b'"' | b'\\' | b']') {
            line.push(b'\\');
        }
        line.push(byte);
    }
}

/// An address as it is written everywhere: digits, letters, points and colons. The general formatter takes 800
/// instructions for the four numbers of an IPv4 address.
pub(super) fn push_address(line: &mut Vec<u8>, address: IpAddr) {
    let IpAddr::V4(address) = address else {
        // Writing to a vector cannot fail.
        let _ = write!(line, "{address}");
        return;
    };
    let [first, others @ ..] = address.octets();
    push_number(line, first.into());
    for octet in others {
        line.push(b'.');
        push_number(line, octet.into());
    }
}

pub(super) fn push_number(line: &mut Vec<u8>, number: u64) {
    line.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

pub(super) fn push_hex(line: &mut Vec<u8>, number: u128) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = [0_u8; 32];
    for (pair, byte) in text.chunks_exact_mut(2).zip(number.to_be_bytes()) {
        pair[0] = DIGITS[usize::from(byte >> 4)];
        pair[1] = DIGITS[usize::from(byte & 15)];
    }
    line.extend_from_slice(&text);
}

#[cfg(test)]
mod tests {
    use super::{json, push_address, push_hex, push_number, push_parameter, syslog};
    use crate::telemetry::AccessRecord;
    use crate::telemetry::entry::Access;
    use crate::trace_context::TraceContext;
    use std::time::Duration;

    fn access(request_id: &str) -> Access {
        Access::of(&AccessRecord {
            request_id,
            trace: TraceContext::from_ids(0xab, 1, false).expect("ids"),
            method: "GET",
            route: "/v1/users/{id}",
            status: 200,
            duration: Duration::from_micros(1234),
            peer: [192, 0, 2, 1].into(),
            client: Some("billing"),
            refused: "scope_lacking",
        })
    }

    #[test]
    fn an_object_is_json_whatever_the_request_id_is() {
        for id in ["abc-1", "a\"b\\c", "\u{1}\n", ""] {
            let mut line = Vec::new();
            json(&access(id), &mut line);
            let value: serde_json::Value = serde_json::from_slice(&line).expect("JSON");
            assert_eq!(value["request_id"], id);
            assert_eq!(value["trace_id"], "000000000000000000000000000000ab");
            assert_eq!(value["status"], 200);
            assert_eq!(value["duration_us"], 1234);
            assert_eq!(value["route"], "/v1/users/{id}");
            assert_eq!(value["peer"], "192.0.2.1");
            assert_eq!(value["client"], "billing");
            assert_eq!(value["refused"], "scope_lacking");
        }
    }

    #[test]
    fn a_message_holds_every_parameter_and_no_control_character() {
        let mut line = Vec::new();
        syslog(
            b" host roster 7 1 [roster@32473 duration_us=\"",
            &access("a]\"\n"),
            &mut line,
        );
        let line = String::from_utf8(line).expect("UTF-8");
        assert!(line.starts_with("<30>1 2"), "{line}");
        let rest = "Z host roster 7 1 [roster@32473 duration_us=\"1234\" client=\"billing\" method=\"GET\" \
                    peer=\"192.0.2.1\" refused=\"scope_lacking\" request_id=\"a\\]\\\"\\\\n\" \
                    route=\"/v1/users/{id}\" status=\"200\" trace_id=\"000000000000000000000000000000ab\"] \
                    GET /v1/users/{id} 200";
        assert!(line.ends_with(rest), "{line}");
    }

    #[test]
    fn numbers_and_addresses_are_written_as_the_standard_library_does() {
        for address in ["0.0.0.0", "192.0.2.10", "255.255.255.255", "2001:db8::1"] {
            let mut line = Vec::new();
            push_address(&mut line, address.parse().expect("an address"));
            assert_eq!(line, address.as_bytes());
        }
        for number in [0, 7, 10, 12_345, u64::MAX] {
            let mut line = Vec::new();
            push_number(&mut line, number);
            assert_eq!(line, number.to_string().as_bytes());
        }
        let mut line = Vec::new();
        push_hex(&mut line, u128::MAX - 0xf0);
        assert_eq!(line, format!("{:032x}", u128::MAX - 0xf0).as_bytes());
        line.clear();
        push_parameter(&mut line, "plain-id");
        assert_eq!(line, b"plain-id");
    }
}
