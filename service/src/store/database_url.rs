//! Where the database is and who asks, as libpq writes it, with libpq's modes of TLS. What an option means is in `options`.
//! Must not know how connections are made.

mod keywords;
mod options;
mod refused;
#[cfg(test)]
mod tests;

use std::fmt;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio_postgres::Config;
use tokio_postgres::config::{ChannelBinding, Host, SslMode};

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
    /// Everything but the servers.
    config: Config,
    servers: Vec<Server>,
    tls_mode: TlsMode,
    authorities: Authorities,
    demands_writes: bool,
    connect_timeout: Option<Duration>,
    tcp_user_timeout: Option<Duration>,
    keepalive_idle: Option<Duration>,
}

/// One of the servers that a connection string names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Server {
    /// Its name, which its certificate is checked for, or the folder of its socket.
    pub(super) host: Host,
    /// Its address, when it is not to be looked up.
    pub(super) address: Option<IpAddr>,
    pub(super) port: u16,
}

/// Who may sign the server's certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Authorities {
    /// Nothing is said: those of the web where a certificate is verified.
    Unset,
    /// Those of the web (`sslrootcert=system`).
    Web,
    /// Those in this file, in PEM.
    File(PathBuf),
}

/// Why a connection string cannot be used. Never holds a value: a password may be among them.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DatabaseUrlError {
    /// It cannot be parsed.
    #[error("is not a connection string such as postgresql://user@host:5432/database: {0}")]
    Syntax(String),
    /// It names no server.
    #[error("names no host")]
    NoHost,
    /// The numbers of hosts, addresses and ports differ.
    #[error("names {hosts} hosts but {others} {what}: give one of each, or one port for all")]
    Unpaired {
        /// How many hosts.
        hosts: usize,
        /// `hostaddr` or `port`.
        what: &'static str,
        /// How many of them.
        others: usize,
    },
    /// An option that nobody knows.
    #[error("has the option {0:?}, which libpq does not know")]
    Unknown(String),
    /// An option of libpq that is not supported here.
    #[error("has the libpq option {name}, which Roster does not support: {next}")]
    Unsupported {
        /// The option.
        name: String,
        /// What to do instead.
        next: &'static str,
    },
    /// An option has a value that it cannot have.
    #[error("has a value for {name} that cannot be used: {wanted}")]
    Value {
        /// The option.
        name: String,
        /// What it may be.
        wanted: &'static str,
    },
    /// `options` sets what a flag of Roster sets.
    #[error("sets {name} by 'options', which Roster sets itself: {next}")]
    Managed {
        /// The parameter of `PostgreSQL`.
        name: String,
        /// The flag to use, or that there is none.
        next: &'static str,
    },
    /// Authorities are given, but nothing is verified.
    #[error(
        "names authorities for the server's certificate, but sslmode={0} verifies none: write sslmode=verify-full, or verify-ca where the certificate is not for the server's name"
    )]
    UnusedAuthorities(TlsMode),
    /// `sslrootcert=system` with a mode that does not check the name.
    #[error(
        "has sslrootcert=system with sslmode={0}: anybody has a certificate of the web's authorities, so write sslmode=verify-full"
    )]
    WeakSystem(TlsMode),
    /// Channel binding is required where there is no TLS.
    #[error("has channel_binding=require with sslmode={0}: write sslmode=require or more")]
    Unbound(TlsMode),
}

fn syntax(why: &str) -> DatabaseUrlError {
    DatabaseUrlError::Syntax(why.to_owned())
}

impl DatabaseUrl {
    /// Reads a connection string. A line break at its end is not part of it.
    ///
    /// # Errors
    /// Names the option that cannot be used, and never its value.
    pub fn parse(raw: &str) -> Result<Self, DatabaseUrlError> {
        options::parse(raw.trim_end_matches(['\r', '\n']))
    }

    /// Sets the password, which a secret may hold apart from the rest.
    pub fn set_password(&mut self, password: &str) {
        self.config.password(password);
    }

    /// Sets the file of the authorities that may sign the server's certificate, in PEM.
    ///
    /// # Errors
    /// When the `sslmode` verifies no certificate.
    pub fn set_ca_file(&mut self, path: &Path) -> Result<(), DatabaseUrlError> {
        self.authorities = Authorities::File(path.to_owned());
        self.settle()
    }

    /// How far the server's identity is checked.
    pub fn tls_mode(&self) -> TlsMode {
        self.tls_mode
    }

    /// Whether somebody on the way could pass for the server: it is not on this machine, and no certificate is verified.
    pub fn is_unverified(&self) -> bool {
        let is_verified = matches!(self.tls_mode, TlsMode::VerifyCa | TlsMode::VerifyFull);
        !is_verified && !self.servers.iter().all(Server::is_local)
    }

    /// The servers by name and port, without anything secret.
    pub fn servers(&self) -> String {
        let names: Vec<_> = self.servers.iter().map(ToString::to_string).collect();
        names.join(",")
    }

    /// Brings `sslmode` and the authorities together as libpq does: with an authority, `require` verifies.
    fn settle(&mut self) -> Result<(), DatabaseUrlError> {
        match (&self.authorities, self.tls_mode) {
            (Authorities::File(_), TlsMode::Require) => self.tls_mode = TlsMode::VerifyCa,
            (Authorities::File(_), mode @ (TlsMode::Disable | TlsMode::Prefer)) => {
                return Err(DatabaseUrlError::UnusedAuthorities(mode));
            }
            (Authorities::Web, mode) if mode != TlsMode::VerifyFull => {
                return Err(DatabaseUrlError::WeakSystem(mode));
            }
            _ => {}
        }
        let can_bind = !matches!(self.tls_mode, TlsMode::Disable | TlsMode::Prefer);
        if self.config.get_channel_binding() == ChannelBinding::Require && !can_bind {
            return Err(DatabaseUrlError::Unbound(self.tls_mode));
        }
        self.config.ssl_mode(match self.tls_mode {
            TlsMode::Disable => SslMode::Disable,
            TlsMode::Prefer => SslMode::Prefer,
            _ => SslMode::Require,
        });
        Ok(())
    }

    pub(super) fn authorities(&self) -> &Authorities {
        &self.authorities
    }

    /// Everything but the servers, of which each attempt names one.
    pub(super) fn config(&self) -> &Config {
        &self.config
    }

    pub(super) fn each_server(&self) -> &[Server] {
        &self.servers
    }

    /// Whether a server that takes no writes for the time being is not to be used at all.
    pub(super) fn demands_writes(&self) -> bool {
        self.demands_writes
    }

    pub(super) fn connect_timeout(&self) -> Option<Duration> {
        self.connect_timeout
    }

    pub(super) fn tcp_user_timeout(&self) -> Option<Duration> {
        self.tcp_user_timeout
    }

    pub(super) fn keepalive_idle(&self) -> Option<Duration> {
        self.keepalive_idle
    }
}

impl Server {
    fn is_local(&self) -> bool {
        match (&self.host, self.address) {
            (Host::Unix(_), _) => true,
            (_, Some(address)) => address.is_loopback(),
            (Host::Tcp(name), None) => {
                let address = name.parse::<IpAddr>();
                name == "localhost" || address.is_ok_and(|address| address.is_loopback())
            }
        }
    }
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.host {
            Host::Tcp(name) => write!(f, "{name}:{}", self.port),
            Host::Unix(path) => write!(f, "{}:{}", path.display(), self.port),
        }
    }
}

impl fmt::Display for TlsMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Disable => "disable",
            Self::Prefer => "prefer",
            Self::Require => "require",
            Self::VerifyCa => "verify-ca",
            Self::VerifyFull => "verify-full",
        })
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Without the password.
impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let masked = if self.config.get_password().is_some() {
            ":***"
        } else {
            ""
        };
        write!(
            f,
            "postgresql://{}{masked}@{}/{}?sslmode={}",
            self.config.get_user().unwrap_or(""),
            self.servers(),
            self.config.get_dbname().unwrap_or(""),
            self.tls_mode
        )
    }
}
