//! Formats an entry: a human-readable line, a JSON object, an RFC 5424 message, the fields of a journal entry.
//!
//! Runs on the writers' threads. Every format escapes control characters: a value can neither start a new line nor send
//! a terminal sequence.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::time::SystemTime;

use syslog::{Facility, Formatter5424, LogFormat as _, Severity};
use time::OffsetDateTime;
use tracing::Level;

use super::access_line;
use super::entry::{Access, Entry, Event, Value};
use super::escaped::Escaped;
use super::journal;

/// The id of the structured data. 32473 is the enterprise number that RFC 5612 reserves for examples and unregistered
/// use.
const STRUCTURED_DATA_ID: &str = "roster@32473";
/// Message ids are numbers in the `syslog` crate: one for requests, one for everything else.
const MESSAGE_ID_EVENT: u32 = 0;
const MESSAGE_ID_ACCESS: u32 = 1;
/// RFC 5424, section 6: a parameter's name has at most 32 characters.
const PARAMETER_NAME_MAX: usize = 32;

/// Appends an entry to a buffer, without a line feed.
pub(super) enum Format {
    Human {
        colour: bool,
    },
    Json,
    /// For systemd's journal; each line within an entry ends with a line feed.
    Journal,
    Syslog {
        formatter: Formatter5424,
        /// The constant part of every access log line, between its time and its first value.
        access_middle: Vec<u8>,
    },
}

impl Format {
    /// RFC 5424 from the facility `daemon`.
    pub(super) fn syslog() -> Self {
        let formatter = Formatter5424 {
            facility: Facility::LOG_DAEMON,
            process: "roster".to_owned(),
            pid: std::process::id(),
            ..Formatter5424::default()
        };
        let access_middle =
            access_line::syslog_middle(&formatter, MESSAGE_ID_ACCESS, STRUCTURED_DATA_ID);
        Self::Syslog {
            formatter,
            access_middle,
        }
    }

    pub(super) fn append(&self, entry: &Entry, line: &mut Vec<u8>) {
        match (self, entry) {
            (_, Entry::Wake) => {}
            (Self::Human { colour }, Entry::Access(access)) => human_access(access, *colour, line),
            (Self::Human { colour }, Entry::Event(event)) => human_event(event, *colour, line),
            (Self::Json, Entry::Access(access)) => access_line::json(access, line),
            (Self::Json, Entry::Event(event)) => json_event(event, line),
            (Self::Journal, Entry::Access(access)) => journal::access(access, line),
            (Self::Journal, Entry::Event(event)) => journal::event(event, line),
            (Self::Syslog { access_middle, .. }, Entry::Access(access)) => {
                access_line::syslog(access_middle, access, line);
            }
            (Self::Syslog { formatter, .. }, Entry::Event(event)) => {
                syslog_event(formatter, event, line);
            }
        }
    }
}

fn human_access(access: &Access, colour: bool, line: &mut Vec<u8>) {
    human_head(access.time, Level::INFO, colour, line);
    let _ = write!(
        line,
        "{} {} {} {} µs request_id={} trace_id={:032x} peer={}",
        access.method,
        access.route,
        access.status,
        access.duration_us,
        Escaped(access.request_id()),
        access.trace_id,
        access.peer,
    );
    for (name, value) in [
        ("client", access.client.as_str()),
        ("refused", access.refused),
    ] {
        if !value.is_empty() {
            let _ = write!(line, " {name}={value}");
        }
    }
}

fn human_event(event: &Event, colour: bool, line: &mut Vec<u8>) {
    human_head(event.time, event.level, colour, line);
    let _ = write!(line, "{}: {}", event.target, Escaped(&event.message));
    for (name, value) in &event.fields {
        let _ = write!(line, " {name}={}", Escaped(&plain(value)));
    }
}

fn human_head(time: SystemTime, level: Level, colour: bool, line: &mut Vec<u8>) {
    let code = match level {
        Level::ERROR => "31",
        Level::WARN => "33",
        Level::INFO => "32",
        _ => "34",
    };
    let _ = if colour {
        write!(
            line,
            "\x1b[2m{}\x1b[0m \x1b[{code}m{level:>5}\x1b[0m ",
            Utc(time)
        )
    } else {
        write!(line, "{} {level:>5} ", Utc(time))
    };
}

fn json_event(event: &Event, line: &mut Vec<u8>) {
    json_head(event.time, event.level, event.target, &event.message, line);
    for (name, value) in &event.fields {
        let _ = match value {
            Value::Text(text) => {
                json_text(name, text, line);
                Ok(())
            }
            // JSON cannot represent non-finite numbers.
            Value::Float(number) if number.is_finite() => write!(line, r#","{name}":{number}"#),
            Value::Float(_) => write!(line, r#","{name}":null"#),
            Value::Bool(value) => write!(line, r#","{name}":{value}"#),
            Value::Signed(number) => write!(line, r#","{name}":{number}"#),
            Value::Unsigned(number) => write!(line, r#","{name}":{number}"#),
        };
    }
    line.push(b'}');
}

fn json_head(time: SystemTime, level: Level, target: &str, message: &str, line: &mut Vec<u8>) {
    let _ = write!(line, r#"{{"timestamp":"{}","level":"{level}""#, Utc(time));
    json_text("target", target, line);
    json_text("message", message, line);
}

fn json_text(name: &str, text: &str, line: &mut Vec<u8>) {
    let _ = write!(line, r#","{name}":"#);
    // Writing to a string cannot fail.
    let _ = serde_json::to_writer(line, text);
}

fn syslog_event(formatter: &Formatter5424, event: &Event, line: &mut Vec<u8>) {
    let severity = match event.level {
        Level::ERROR => Severity::LOG_ERR,
        Level::WARN => Severity::LOG_WARNING,
        Level::INFO => Severity::LOG_INFO,
        _ => Severity::LOG_DEBUG,
    };
    let mut parameters = BTreeMap::from([("target".to_owned(), event.target.to_owned())]);
    for (name, value) in &event.fields {
        let name = name.chars().map(|c| match c {
            '=' | ']' | '"' => '_',
            c if c.is_ascii_graphic() => c,
            _ => '_',
        });
        let name: String = name.take(PARAMETER_NAME_MAX).collect();
        parameters.insert(name, Escaped(&plain(value)).to_string());
    }
    let data = BTreeMap::from([(STRUCTURED_DATA_ID.to_owned(), parameters)]);
    let content = (MESSAGE_ID_EVENT, data, Escaped(&event.message));
    let _ = formatter.format(line, severity, content);
}

fn plain(value: &Value) -> String {
    match value {
        Value::Text(text) => text.clone(),
        Value::Bool(value) => value.to_string(),
        Value::Signed(number) => number.to_string(),
        Value::Unsigned(number) => number.to_string(),
        Value::Float(number) => number.to_string(),
    }
}

/// RFC 3339 in UTC with microseconds, of constant width.
struct Utc(SystemTime);

impl std::fmt::Display for Utc {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let time = OffsetDateTime::from(self.0);
        write!(
            f,
            "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:06}Z",
            time.year(),
            u8::from(time.month()),
            time.day(),
            time.hour(),
            time.minute(),
            time.second(),
            time.microsecond(),
        )
    }
}
