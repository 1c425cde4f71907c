//! W3C Trace Context (`traceparent`, version 00): read, continue and start a trace.
//!
//! Runs on every request, so nothing here allocates. It knows only bytes: neither headers of an HTTP library nor spans
//! of an exporter.

use std::fmt;

const HEADER_LEN: usize = 55;
const SAMPLED: u8 = 0b01;
/// Level 2 of the specification: the trace id is random. Forwarded unchanged.
const RANDOM: u8 = 0b10;
const HEX: &[u8; 16] = b"0123456789abcdef";

/// The position of a request in a distributed trace.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TraceContext {
    trace_id: u128,
    span_id: u64,
    flags: u8,
}

impl TraceContext {
    /// The trace of a request from its `traceparent` header values: continued with a new span id if the caller's is
    /// valid, a new trace otherwise.
    pub fn of_request<'a>(values: impl IntoIterator<Item = &'a [u8]>) -> Self {
        Self::of_caller(values).map_or_else(Self::start, Self::child)
    }

    /// The caller's trace and span: there must be exactly one header value, and it must be valid.
    pub fn of_caller<'a>(values: impl IntoIterator<Item = &'a [u8]>) -> Option<Self> {
        let mut values = values.into_iter();
        let caller = values.next().and_then(Self::parse)?;
        values.next().is_none().then_some(caller)
    }

    /// A new trace, not sampled: the exporter decides whether to record it.
    pub fn start() -> Self {
        Self {
            trace_id: fastrand::u128(1..),
            span_id: fastrand::u64(1..),
            flags: 0,
        }
    }

    /// A trace with ids from another tracer; `None` if an id is zero, which the specification reserves for "invalid".
    pub fn from_ids(trace_id: u128, span_id: u64, sampled: bool) -> Option<Self> {
        (trace_id != 0 && span_id != 0).then_some(Self {
            trace_id,
            span_id,
            flags: u8::from(sampled),
        })
    }

    /// Parses a `traceparent` value; `None` if the specification says to ignore it. Later versions are parsed as far as
    /// version 00 goes.
    pub fn parse(value: &[u8]) -> Option<Self> {
        let (known, rest) = value.split_at_checked(HEADER_LEN)?;
        let version = hex(&known[..2])?;
        let whole = match version {
            0xff => false,
            0 => rest.is_empty(),
            _ => rest.first().is_none_or(|&next| next == b'-'),
        };
        if !whole || [known[2], known[35], known[52]] != *b"---" {
            return None;
        }
        let trace_id = hex(&known[3..35])?;
        let span_id = u64::try_from(hex(&known[36..52])?).ok()?;
        let flags = u8::try_from(hex(&known[53..55])?).ok()? & (SAMPLED | RANDOM);
        (trace_id != 0 && span_id != 0).then_some(Self {
            trace_id,
            span_id,
            flags,
        })
    }

    /// The same trace with a new span id.
    #[must_use]
    pub fn child(self) -> Self {
        Self {
            span_id: fastrand::u64(1..),
            ..self
        }
    }

    /// The trace's id.
    pub const fn trace_id(self) -> u128 {
        self.trace_id
    }

    /// The id of this step.
    pub const fn span_id(self) -> u64 {
        self.span_id
    }

    /// Whether the caller records this trace.
    pub const fn is_sampled(self) -> bool {
        self.flags & SAMPLED != 0
    }

    /// The header's value.
    pub fn to_header(self) -> Traceparent {
        let mut text = *b"00-00000000000000000000000000000000-0000000000000000-00";
        write_hex(&mut text[3..35], self.trace_id);
        write_hex(&mut text[36..52], u128::from(self.span_id));
        write_hex(&mut text[53..55], u128::from(self.flags));
        Traceparent(text)
    }
}

/// The text of a `traceparent` header.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Traceparent([u8; HEADER_LEN]);

impl Traceparent {
    /// The value's bytes, all of them visible ASCII.
    pub const fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Traceparent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.0))
    }
}

/// Lower-case digits only: the specification forbids upper case.
fn hex(digits: &[u8]) -> Option<u128> {
    digits.iter().try_fold(0_u128, |value, digit| {
        let nibble = match digit {
            b'0'..=b'9' => digit - b'0',
            b'a'..=b'f' => digit - b'a' + 10,
            _ => return None,
        };
        Some(value << 4 | u128::from(nibble))
    })
}

fn write_hex(digits: &mut [u8], value: u128) {
    for (place, digit) in digits.iter_mut().rev().enumerate() {
        *digit = HEX[(value >> (4 * place)) as usize & 0xf];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXAMPLE: &[u8] = b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    fn parsed(value: &str) -> Option<TraceContext> {
        TraceContext::parse(value.as_bytes())
    }

    #[test]
    fn the_specifications_example_is_read_and_written_unchanged() {
        let context = TraceContext::parse(EXAMPLE).expect("valid");
        assert_eq!(
            context.trace_id(),
            0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736
        );
        assert_eq!(context.span_id(), 0x00f0_67aa_0ba9_02b7);
        assert!(context.is_sampled());
        assert_eq!(context.to_header().as_bytes(), EXAMPLE);
    }

    #[test]
    fn a_request_continues_the_callers_trace_with_a_span_of_its_own() {
        let caller = TraceContext::parse(EXAMPLE).expect("valid");
        let ours = TraceContext::of_request([EXAMPLE]);
        assert_eq!(ours.trace_id(), caller.trace_id());
        assert_ne!(ours.span_id(), caller.span_id());
        assert!(ours.is_sampled());
    }

    #[test]
    fn without_a_valid_header_a_new_trace_is_started() {
        let broken: &[u8] = b"00-nonsense";
        for values in [vec![], vec![broken], vec![EXAMPLE, EXAMPLE]] {
            let context = TraceContext::of_request(values);
            assert_ne!(
                context.trace_id(),
                0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736
            );
            assert!(!context.is_sampled());
            assert!(TraceContext::parse(context.to_header().as_bytes()).is_some());
        }
    }

    #[test]
    fn what_the_specification_calls_invalid_is_ignored() {
        for value in [
            "",
            "00",
            // The version: forbidden, not hex, upper case.
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            ".0-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "0-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            // Ids: all zero, upper case, too short, not hex.
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00F067AA0BA902B7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e473-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e473.-00f067aa0ba902b7-01",
            // Flags: too short, too long, not hex.
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-1",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-001",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-.1",
            // Separators, and anything after version 00.
            "00_4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736_00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7_01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-what-the-future-will-be-like",
            "cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01.what-the-future-will-be-like",
        ] {
            assert_eq!(parsed(value), None, "{value}");
        }
    }

    #[test]
    fn a_later_version_is_read_as_version_00_and_written_so() {
        for value in [
            "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-what-the-future-will-be-like",
        ] {
            let context = parsed(value).expect(value);
            assert_eq!(context.to_header().as_bytes(), EXAMPLE);
        }
    }

    #[test]
    fn flags_that_have_no_meaning_yet_are_not_handed_on() {
        let context =
            parsed("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-ff").expect("valid");
        assert!(context.to_header().as_bytes().ends_with(b"-03"));
    }
}
