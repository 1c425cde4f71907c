//! Where the database is and who asks, as libpq writes it, with all of libpq's modes of TLS.

use std::fmt;
use std::path::{Path, PathBuf};
use tokio_postgres::config::{ChannelBinding, SslMode};
use tokio_postgres::{Config, config::Host};

/// How far the server's identity is checked: `sslmode` of libpq.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TlsMode {
    /// No TLS.
    Disable,
    /// TLS where the server offers it; the default of libpq.
    Prefer,
    /// TLS, with whatever certificate.
    Require,
    /// TLS, with a certificate of a known authority.
    VerifyCa,
    /// TLS, with a certificate of a known authority for the server's name.
    VerifyFull,
}

/// A connection string: `postgresql://user@host:5432/database?sslmode=verify-full` or `host=… user=…`.
#[derive(Clone)]
pub struct DatabaseUrl {
    config: Config,
    tls_mode: TlsMode,
    ca_file: Option<PathBuf>,
}

/// Why a connection string cannot be used. Never holds the string: a password may be in it.
#[derive(Clone, Debug, thiserror::Error)]
pub enum DatabaseUrlError {
    /// It cannot be parsed.
    #[error("is no connection string such as postgresql://user@host:5432/database ({0})")]
    Syntax(String),
    /// Its `sslmode` is none of libpq's.
    #[error("has sslmode={0:?}; write disable, prefer, require, verify-ca or verify-full")]
    TlsMode(String),
    /// It names no server.
    #[error("names no host")]
    NoHost,
}

impl DatabaseUrl {
    /// Reads a connection string.
    pub fn parse(raw: &str) -> Result<Self, DatabaseUrlError> {
        let mut tls_mode = TlsMode::Prefer;
        let mut ca_file = None;
        let mut rest = String::with_capacity(raw.len());
        let is_url = raw.starts_with("postgres://") || raw.starts_with("postgresql://");
        let (base, parameters, separator) = match (is_url, raw.split_once('?')) {
            (true, Some((base, query))) => (base, query.split('&').collect::<Vec<_>>(), '&'),
            (true, None) => (raw, Vec::new(), '&'),
            (false, _) => ("", raw.split_whitespace().collect(), ' '),
        };
        let mut kept = Vec::new();
        for parameter in parameters {
            match parameter.split_once('=') {
                Some(("sslmode", value)) => tls_mode = parse_tls_mode(value)?,
                Some(("sslrootcert", value)) => {
                    let path = percent_encoding::percent_decode_str(value)
                        .decode_utf8_lossy()
                        .into_owned();
                    ca_file = Some(PathBuf::from(path));
                }
                _ => kept.push(parameter),
            }
        }
        rest.push_str(base);
        if is_url && !kept.is_empty() {
            rest.push('?');
        }
        rest.push_str(&kept.join(&separator.to_string()));
        let mut config: Config = rest.parse().map_err(|e: tokio_postgres::Error| {
            let source =
                std::error::Error::source(&e).map_or_else(|| e.to_string(), ToString::to_string);
            DatabaseUrlError::Syntax(source)
        })?;
        if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
            return Err(DatabaseUrlError::NoHost);
        }
        config.ssl_mode(match tls_mode {
            TlsMode::Disable => SslMode::Disable,
            TlsMode::Prefer => SslMode::Prefer,
            _ => SslMode::Require,
        });
        // A certificate that nobody verified binds nothing.
        if matches!(tls_mode, TlsMode::Disable) {
            config.channel_binding(ChannelBinding::Disable);
        }
        Ok(Self {
            config,
            tls_mode,
            ca_file,
        })
    }

    /// Sets the password, which a secret may hold apart from the rest.
    pub fn set_password(&mut self, password: &str) {
        self.config.password(password);
    }

    /// How far the server's identity is checked.
    pub fn tls_mode(&self) -> TlsMode {
        self.tls_mode
    }

    /// Whether the server is on this machine alone, where TLS protects nothing.
    pub fn is_local(&self) -> bool {
        self.config.get_hosts().iter().all(|host| match host {
            Host::Tcp(name) => {
                name == "localhost"
                    || name
                        .parse::<std::net::IpAddr>()
                        .is_ok_and(|ip| ip.is_loopback())
            }
            Host::Unix(_) => true,
        })
    }

    pub(super) fn ca_file(&self) -> Option<&Path> {
        self.ca_file.as_deref()
    }

    pub(super) fn config(&self) -> &Config {
        &self.config
    }
}

fn parse_tls_mode(raw: &str) -> Result<TlsMode, DatabaseUrlError> {
    Ok(match raw {
        "disable" => TlsMode::Disable,
        "allow" | "prefer" => TlsMode::Prefer,
        "require" => TlsMode::Require,
        "verify-ca" => TlsMode::VerifyCa,
        "verify-full" => TlsMode::VerifyFull,
        other => return Err(DatabaseUrlError::TlsMode(other.to_owned())),
    })
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Without the password.
impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = match self.config.get_hosts().first() {
            Some(Host::Tcp(name)) => name.clone(),
            Some(Host::Unix(path)) => path.display().to_string(),
            None => self
                .config
                .get_hostaddrs()
                .first()
                .map(ToString::to_string)
                .unwrap_or_default(),
        };
        let port = self.config.get_ports().first().copied().unwrap_or(5432);
        let user = self.config.get_user().unwrap_or("");
        let masked = if self.config.get_password().is_some() {
            ":***"
        } else {
            ""
        };
        let mode = match self.tls_mode {
            TlsMode::Disable => "disable",
            TlsMode::Prefer => "prefer",
            TlsMode::Require => "require",
            TlsMode::VerifyCa => "verify-ca",
            TlsMode::VerifyFull => "verify-full",
        };
        write!(
            f,
            "postgresql://{user}{masked}@{host}:{port}/{}?sslmode={mode}",
            self.config.get_dbname().unwrap_or("")
        )
    }
}

#[cfg(test)]
mod tests {
    use super::{DatabaseUrl, TlsMode};

    #[test]
    fn every_mode_of_libpq_is_understood_in_both_notations() {
        for (raw, mode) in [
            ("postgresql://u@h/d", TlsMode::Prefer),
            (
                "postgres://u@h/d?sslmode=disable&connect_timeout=3",
                TlsMode::Disable,
            ),
            (
                "postgresql://u@h/d?sslmode=verify-full&sslrootcert=%2Fetc%2Fca.pem",
                TlsMode::VerifyFull,
            ),
            (
                "host=h user=u sslmode=verify-ca dbname=d",
                TlsMode::VerifyCa,
            ),
        ] {
            assert_eq!(DatabaseUrl::parse(raw).unwrap().tls_mode(), mode, "{raw}");
        }
        let with_ca = DatabaseUrl::parse("postgresql://u@h/d?sslrootcert=%2Fetc%2Fca.pem").unwrap();
        assert_eq!(with_ca.ca_file().unwrap().to_str(), Some("/etc/ca.pem"));
    }

    #[test]
    fn a_password_never_shows() {
        let url = DatabaseUrl::parse("postgresql://u:s3cret@h/d").unwrap();
        assert_eq!(
            format!("{url} {url:?}"),
            "postgresql://u:***@h:5432/d?sslmode=prefer postgresql://u:***@h:5432/d?sslmode=prefer"
        );
        for broken in [
            "postgresql://u:s3cret@h:port/d",
            "postgresql://u:s3cret@h/d?sslmode=maybe",
            "postgresql://u:s3cret@h/d?nope=s3cret2",
        ] {
            assert!(
                !DatabaseUrl::parse(broken)
                    .unwrap_err()
                    .to_string()
                    .contains("s3cret"),
                "{broken}"
            );
        }
    }
}
