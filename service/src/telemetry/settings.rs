//! Settings of logs, and their parsing.
//!
//! The values come from `config`; this module reads neither flags nor the environment.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use tracing::level_filters::LevelFilter;

/// The journal's socket on every machine with systemd.
const JOURNAL_SOCKET: &str = "/run/systemd/journal/socket";

/// The settings for [`super::start`].
#[derive(Clone, Debug)]
pub struct TelemetrySettings {
    /// The lowest severity that is logged; other crates' events are only logged from `warn` on.
    pub level: LevelFilter,
    /// The format on standard output.
    pub format: LogFormat,
    /// Whether human-readable lines may have colours.
    pub colour: bool,
    /// A file for RFC 5424 lines.
    pub file: Option<PathBuf>,
    /// A syslog server for RFC 5424 messages, or systemd's journal.
    pub syslog: Option<SyslogTarget>,
    /// An OpenTelemetry collector for spans, such as `http://localhost:4318`.
    pub otlp_endpoint: Option<String>,
    /// The queue length of each sink; further lines are dropped.
    pub queue_lines: usize,
}

impl Default for TelemetrySettings {
    fn default() -> Self {
        Self {
            level: LevelFilter::INFO,
            format: LogFormat::Auto,
            colour: true,
            file: None,
            syslog: None,
            otlp_endpoint: None,
            queue_lines: 8_192,
        }
    }
}

/// The format on standard output.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum LogFormat {
    /// Human-readable on a terminal, JSON otherwise.
    #[default]
    Auto,
    /// Human-readable lines.
    Human,
    /// One JSON object per line.
    Json,
    /// Nothing on standard output.
    Off,
}

impl FromStr for LogFormat {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "auto" => Ok(Self::Auto),
            "human" => Ok(Self::Human),
            "json" => Ok(Self::Json),
            "off" => Ok(Self::Off),
            _ => Err("expected `auto`, `human`, `json` or `off`".to_owned()),
        }
    }
}

impl fmt::Display for LogFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Auto => "auto",
            Self::Human => "human",
            Self::Json => "json",
            Self::Off => "off",
        })
    }
}

/// The address of a syslog server, or of systemd's journal.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum SyslogTarget {
    /// A datagram socket of this machine, such as `/dev/log`.
    Unix(PathBuf),
    /// The journal's native socket.
    Journal(PathBuf),
    /// One datagram per message (RFC 5426). `host:port`.
    Udp(String),
    /// A stream with octet counting (RFC 6587). `host:port`.
    Tcp(String),
}

impl FromStr for SyslogTarget {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        const EXPECTED: &str =
            "expected `journal`, `unix:/dev/log`, `udp://host:514` or `tcp://host:601`";
        if text == "journal" {
            return Ok(Self::Journal(JOURNAL_SOCKET.into()));
        }
        for (scheme, target) in [
            ("unix:", Self::Unix as fn(PathBuf) -> Self),
            ("journal:", Self::Journal as fn(PathBuf) -> Self),
        ] {
            if let Some(path) = text.strip_prefix(scheme) {
                return if path.starts_with('/') {
                    Ok(target(path.into()))
                } else {
                    Err(format!("the socket's path must be absolute; {EXPECTED}"))
                };
            }
        }
        if let Some(address) = text.strip_prefix("udp://") {
            return with_port(address, 514).map(Self::Udp);
        }
        if let Some(address) = text.strip_prefix("tcp://") {
            return with_port(address, 601).map(Self::Tcp);
        }
        Err(EXPECTED.to_owned())
    }
}

impl fmt::Display for SyslogTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
            Self::Journal(path) => write!(f, "journal:{}", path.display()),
            Self::Udp(address) => write!(f, "udp://{address}"),
            Self::Tcp(address) => write!(f, "tcp://{address}"),
        }
    }
}

/// Parses `host`, `host:port`, `[v6]` or `[v6]:port`; the result always has a port.
fn with_port(address: &str, default: u16) -> Result<String, String> {
    let address = address.strip_suffix('/').unwrap_or(address);
    let (host, port) = match address.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => {
            let port = port.parse::<u16>().ok().filter(|port| *port != 0);
            (
                host,
                port.ok_or_else(|| format!("`{address}` has no valid port"))?,
            )
        }
        _ => (address, default),
    };
    let bracketed = host.starts_with('[') && host.ends_with(']');
    let unknown = |c: char| !(c.is_ascii_alphanumeric() || "-._".contains(c));
    if host.is_empty() || (!bracketed && host.contains(unknown)) {
        return Err(format!(
            "`{address}` has no host; an IPv6 address needs brackets"
        ));
    }
    Ok(format!("{host}:{port}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_read_with_their_default_ports() {
        for (text, target) in [
            ("unix:/dev/log", SyslogTarget::Unix("/dev/log".into())),
            ("journal", SyslogTarget::Journal(JOURNAL_SOCKET.into())),
            ("journal:/run/x", SyslogTarget::Journal("/run/x".into())),
            ("udp://logs", SyslogTarget::Udp("logs:514".into())),
            (
                "udp://127.0.0.1:1514",
                SyslogTarget::Udp("127.0.0.1:1514".into()),
            ),
            (
                "tcp://logs.example.com/",
                SyslogTarget::Tcp("logs.example.com:601".into()),
            ),
            ("tcp://[::1]", SyslogTarget::Tcp("[::1]:601".into())),
            ("tcp://[::1]:6601", SyslogTarget::Tcp("[::1]:6601".into())),
        ] {
            assert_eq!(text.parse(), Ok(target), "{text}");
        }
    }

    #[test]
    fn a_target_reads_back_as_it_prints() {
        for text in [
            "unix:/dev/log",
            "journal:/run/x",
            "udp://logs:514",
            "tcp://[::1]:601",
        ] {
            let target: SyslogTarget = text.parse().expect(text);
            assert_eq!(target.to_string(), text);
        }
    }

    #[test]
    fn what_is_no_target_says_what_is_expected() {
        for text in [
            "",
            "logs",
            "unix:dev/log",
            "journal:",
            "journal:run/x",
            "journald",
            "udp://",
            "udp://:514",
            "tcp://logs:0",
            "tcp://logs:70000",
            "tcp://logs:",
            "tcp://::1:601",
            "http://logs",
            "udp://a b",
        ] {
            let error = SyslogTarget::from_str(text).expect_err(text);
            assert!(!error.is_empty(), "{text}");
        }
    }
}
