//! The options of a connection string, as libpq 18 lists them: each works, or is refused by its name.

use super::keywords::keywords;
use super::refused::{one_of, refuse_managed, value, whole, without_effect};
use super::{Authorities, DatabaseUrl, DatabaseUrlError, Server, TlsMode, syntax};
use percent_encoding::percent_decode_str;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;
use tokio_postgres::Config;
use tokio_postgres::config::{ChannelBinding, Host};

const DEFAULT_PORT: u16 = 5432;

/// What the options say, before it is brought together.
#[derive(Default)]
struct Parts {
    config: Config,
    hosts: Vec<Host>,
    addresses: Vec<Option<IpAddr>>,
    ports: Vec<u16>,
    tls_mode: Option<TlsMode>,
    authorities: Option<Authorities>,
    demands_writes: bool,
    connect_timeout: Option<Duration>,
    tcp_user_timeout: Option<Duration>,
    keepalive_idle: Option<Duration>,
    fallback_application_name: Option<String>,
}

pub(super) fn parse(raw: &str) -> Result<DatabaseUrl, DatabaseUrlError> {
    let mut parts = Parts::default();
    if raw.starts_with("postgres://") || raw.starts_with("postgresql://") {
        let (base, query) = raw.split_once('?').unwrap_or((raw, ""));
        if query.contains('@') && !base.contains('@') {
            return Err(syntax("write a '?' in the user or the password as %3F"));
        }
        parts.apply_base(base)?;
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair
                .split_once('=')
                .ok_or_else(|| syntax("an option has no '='"))?;
            parts.apply(&decoded(name)?, &decoded(value)?)?;
        }
    } else {
        for (name, value) in keywords(raw)? {
            parts.apply(&name, &value)?;
        }
    }
    parts.finish()
}

fn decoded(raw: &str) -> Result<String, DatabaseUrlError> {
    let decoded = percent_decode_str(raw).decode_utf8();
    Ok(decoded
        .map_err(|_| syntax("an option is not valid UTF-8"))?
        .into_owned())
}

impl Parts {
    /// What stands before the options of a URL: user, password, hosts, database.
    fn apply_base(&mut self, base: &str) -> Result<(), DatabaseUrlError> {
        let config: Config = base.parse().map_err(|error: tokio_postgres::Error| {
            let source = std::error::Error::source(&error);
            syntax(&source.map_or_else(|| error.to_string(), ToString::to_string))
        })?;
        if let Some(user) = config.get_user() {
            self.config.user(user);
        }
        if let Some(password) = config.get_password() {
            self.config.password(password);
        }
        if let Some(name) = config.get_dbname() {
            self.config.dbname(name);
        }
        self.hosts = config.get_hosts().to_vec();
        self.ports = config.get_ports().to_vec();
        Ok(())
    }

    fn apply(&mut self, name: &str, raw: &str) -> Result<(), DatabaseUrlError> {
        match name {
            "user" => drop(self.config.user(raw)),
            "password" => drop(self.config.password(raw)),
            "dbname" => drop(self.config.dbname(raw)),
            "application_name" => drop(self.config.application_name(raw)),
            "fallback_application_name" => self.fallback_application_name = Some(raw.to_owned()),
            "host" => self.hosts = raw.split(',').map(host).collect(),
            "hostaddr" | "port" => self.apply_place(name, raw)?,
            "sslmode" => self.tls_mode = Some(tls_mode(raw)?),
            "sslrootcert" => {
                self.authorities = Some(match raw {
                    "system" => Authorities::Web,
                    path => Authorities::File(PathBuf::from(path)),
                });
            }
            "channel_binding" => drop(self.config.channel_binding(match raw {
                "disable" => ChannelBinding::Disable,
                "prefer" => ChannelBinding::Prefer,
                "require" => ChannelBinding::Require,
                _ => return Err(value(name, "write disable, prefer or require")),
            })),
            "target_session_attrs" => {
                let wanted = "write any, primary or read-write; Roster reads from no standby, where a client would not see what it has just written";
                one_of(name, raw, &["any", "primary", "read-write"], wanted)?;
                self.demands_writes = raw == "read-write";
            }
            "load_balance_hosts" => one_of(
                name,
                raw,
                &["disable"],
                "write disable; all connections have to lead to the one primary",
            )?,
            "options" => {
                refuse_managed(raw)?;
                self.config.options(raw);
            }
            _ if name.starts_with("keepalives") || name.ends_with("_timeout") => {
                self.apply_limit(name, raw)?;
            }
            _ => without_effect(name, raw)?,
        }
        Ok(())
    }

    fn apply_place(&mut self, name: &str, raw: &str) -> Result<(), DatabaseUrlError> {
        if name == "port" {
            let port = |raw: &str| match raw {
                "" => Ok(DEFAULT_PORT),
                raw => raw
                    .parse()
                    .map_err(|_| value(name, "write numbers from 1 to 65535")),
            };
            self.ports = raw.split(',').map(port).collect::<Result<_, _>>()?;
        } else {
            let address = |raw: &str| match raw {
                "" => Ok(None),
                raw => raw
                    .parse()
                    .map(Some)
                    .map_err(|_| value(name, "write IP addresses")),
            };
            self.addresses = raw.split(',').map(address).collect::<Result<_, _>>()?;
        }
        Ok(())
    }

    /// Options that are times or counts, in the units of libpq.
    fn apply_limit(&mut self, name: &str, raw: &str) -> Result<(), DatabaseUrlError> {
        let number = whole(name, raw)?;
        let seconds = Duration::from_secs(number);
        match name {
            // The system's own value, as in libpq.
            "tcp_user_timeout" | "keepalives_idle" | "keepalives_interval" | "keepalives_count"
                if number == 0 => {}
            "connect_timeout" if (1..=60).contains(&number) => self.connect_timeout = Some(seconds),
            "connect_timeout" => return Err(value(name, "write seconds from 1 to 60")),
            "tcp_user_timeout" => self.tcp_user_timeout = Some(Duration::from_millis(number)),
            "keepalives" => drop(self.config.keepalives(number != 0)),
            "keepalives_idle" => self.keepalive_idle = Some(seconds),
            "keepalives_interval" => drop(self.config.keepalives_interval(seconds)),
            "keepalives_count" => {
                let count = u32::try_from(number).unwrap_or(u32::MAX);
                self.config.keepalives_retries(count);
            }
            _ => return Err(DatabaseUrlError::Unknown(name.to_owned())),
        }
        Ok(())
    }

    fn finish(mut self) -> Result<DatabaseUrl, DatabaseUrlError> {
        if self.config.get_application_name().is_none() {
            let name = self.fallback_application_name.take();
            self.config
                .application_name(name.unwrap_or_else(|| "roster".into()));
        }
        let servers = self.servers()?;
        let mut url = DatabaseUrl {
            config: self.config,
            servers,
            tls_mode: match (self.tls_mode, &self.authorities) {
                (Some(mode), _) => mode,
                // As libpq has it: the web's authorities mean nothing unless the name is checked.
                (None, Some(Authorities::Web)) => TlsMode::VerifyFull,
                (None, _) => TlsMode::Prefer,
            },
            authorities: self.authorities.unwrap_or(Authorities::Unset),
            demands_writes: self.demands_writes,
            connect_timeout: self.connect_timeout,
            tcp_user_timeout: self.tcp_user_timeout,
            keepalive_idle: self.keepalive_idle,
        };
        url.settle()?;
        Ok(url)
    }

    fn servers(&self) -> Result<Vec<Server>, DatabaseUrlError> {
        let count = self.hosts.len().max(self.addresses.len());
        let (hosts, addresses) = (self.hosts.len(), self.addresses.len());
        if hosts > 0 && addresses > 0 && hosts != addresses {
            return Err(DatabaseUrlError::Unpaired {
                hosts,
                what: "hostaddr",
                others: addresses,
            });
        }
        if self.ports.len() > 1 && self.ports.len() != count {
            return Err(DatabaseUrlError::Unpaired {
                hosts: count,
                what: "port",
                others: self.ports.len(),
            });
        }
        let mut servers = Vec::with_capacity(count);
        for at in 0..count {
            let address = self.addresses.get(at).copied().flatten();
            let by_address = || address.map(|address| Host::Tcp(address.to_string()));
            let named = self
                .hosts
                .get(at)
                .filter(|host| !matches!(host, Host::Tcp(name) if name.is_empty()));
            let host = named.cloned().or_else(by_address);
            let port = self.ports.get(at).or_else(|| self.ports.first());
            servers.push(Server {
                host: host.ok_or(DatabaseUrlError::NoHost)?,
                address,
                port: port.copied().unwrap_or(DEFAULT_PORT),
            });
        }
        if servers.is_empty() {
            return Err(DatabaseUrlError::NoHost);
        }
        Ok(servers)
    }
}

fn host(raw: &str) -> Host {
    if raw.starts_with('/') {
        Host::Unix(PathBuf::from(raw))
    } else {
        Host::Tcp(raw.to_owned())
    }
}

fn tls_mode(raw: &str) -> Result<TlsMode, DatabaseUrlError> {
    Ok(match raw {
        "disable" => TlsMode::Disable,
        "allow" | "prefer" => TlsMode::Prefer,
        "require" => TlsMode::Require,
        "verify-ca" => TlsMode::VerifyCa,
        "verify-full" => TlsMode::VerifyFull,
        _ => {
            return Err(value(
                "sslmode",
                "write disable, prefer, require, verify-ca or verify-full",
            ));
        }
    })
}
