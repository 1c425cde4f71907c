//! Makes connections to `PostgreSQL`: to which server, in what time, with a password that can change while the service runs.
//! Must not know what they are used for.

use super::connect_error::{ConnectError, Refusal};
use super::database_url::{DatabaseUrl, Server};
use super::doubt::Doubt;
use super::limits::{BulkLimits, Limits};
use super::session::{self, ServerState};
use super::sql_error::StoreError;
use super::tls;
use arc_swap::ArcSwap;
use futures_util::future::BoxFuture;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::net::lookup_host;
use tokio::time::timeout;
use tokio_postgres::config::Host;
use tokio_postgres::{Client, Config, Connection, Socket};
use tokio_postgres_rustls::MakeRustlsConnect;

type TlsStream = <MakeRustlsConnect as tokio_postgres::tls::MakeTlsConnect<Socket>>::Stream;

/// How long a connection may lie idle before the system asks its other end, how often then, and how many times.
const KEEPALIVE_IDLE: Duration = Duration::from_secs(30);
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(5);
const KEEPALIVE_COUNT: u32 = 3;

/// How to reach the database.
#[derive(Clone, Debug)]
pub struct PoolSettings {
    /// Where the database is, and who asks.
    pub url: DatabaseUrl,
    /// Limits of the connections.
    pub limits: Limits,
    /// Limits of exports and imports.
    pub bulk: BulkLimits,
}

/// Makes connections; clones share the password, and what is known of the servers.
#[derive(Clone)]
pub(super) struct Connector {
    config: Arc<ArcSwap<Config>>,
    servers: Arc<[Candidate]>,
    tls: MakeRustlsConnect,
    preparation: Arc<str>,
    /// The most that one address of a server may take, from the first packet to a session that is ready.
    limit: Duration,
    demands_writes: bool,
    doubt: Doubt,
}

/// A server, and whether the last attempt to use it failed.
struct Candidate {
    server: Server,
    has_failed: AtomicBool,
}

/// A connection whose session is prepared; `connection` has to be polled for `client` to work.
pub(super) struct Opened {
    pub(super) client: Client,
    pub(super) connection: Connection<Socket, TlsStream>,
}

/// What is found while servers are asked in turn.
#[derive(Default)]
struct Search {
    read_only: Option<Opened>,
    refusals: Vec<(String, Refusal)>,
}

impl Connector {
    pub(super) fn new(settings: &PoolSettings) -> Result<Self, StoreError> {
        let (limits, url) = (settings.limits, &settings.url);
        let limit = url.connect_timeout().unwrap_or(limits.connect_timeout);
        let mut config = url.config().clone();
        if config.get_keepalives_interval().is_none() {
            config.keepalives_interval(KEEPALIVE_INTERVAL);
        }
        if config.get_keepalives_retries().is_none() {
            config.keepalives_retries(KEEPALIVE_COUNT);
        }
        config
            .connect_timeout(limit)
            .keepalives_idle(url.keepalive_idle().unwrap_or(KEEPALIVE_IDLE))
            .tcp_user_timeout(url.tcp_user_timeout().unwrap_or(limits.store_timeout));
        let candidate = |server: &Server| Candidate {
            server: server.clone(),
            has_failed: AtomicBool::new(false),
        };
        Ok(Self {
            config: Arc::new(ArcSwap::from_pointee(config)),
            servers: url.each_server().iter().map(candidate).collect(),
            tls: MakeRustlsConnect::new(tls::config(url)?),
            preparation: session::preparation(&limits).into(),
            limit,
            demands_writes: url.demands_writes(),
            doubt: Doubt::new(limits.store_timeout.min(limit)),
        })
    }

    /// Cast when a server says nothing to a new connection, since those that there are will get no answer either.
    pub(super) fn doubt(&self) -> &Doubt {
        &self.doubt
    }

    /// Uses `password` for every connection from now on.
    pub(super) fn set_password(&self, password: &str) {
        let mut config = Config::clone(&self.config.load());
        config.password(password);
        self.config.store(Arc::new(config));
    }

    /// A new connection to a server that takes writes; to one that takes none for the time being only when there is no other.
    /// Servers whose last attempt failed are asked after those that answered, so the last good one is asked first.
    ///
    /// Boxed: it is large, rare, and part of every future that may need a connection.
    pub(super) fn open(&self) -> BoxFuture<'_, Result<Opened, ConnectError>> {
        Box::pin(self.search())
    }

    async fn search(&self) -> Result<Opened, ConnectError> {
        let mut search = Search::default();
        for candidate in self.in_order() {
            let attempt = Attempt::begin(candidate);
            if let Some(opened) = self.open_at(&candidate.server, &mut search).await {
                attempt.succeeded();
                return Ok(opened);
            }
        }
        search.read_only.ok_or(ConnectError::new(search.refusals))
    }

    fn in_order(&self) -> impl Iterator<Item = &Candidate> {
        let mut order: Vec<&Candidate> = self.servers.iter().collect();
        order.sort_by_key(|candidate| candidate.has_failed.load(Ordering::Relaxed));
        order.into_iter()
    }

    /// Tries each address of a server in turn, until one takes writes.
    async fn open_at(&self, server: &Server, search: &mut Search) -> Option<Opened> {
        let mut refuse = |refusal| search.refusals.push((server.to_string(), refusal));
        let addresses = match self.addresses(server).await {
            Ok(addresses) => addresses,
            Err(refusal) => {
                refuse(refusal);
                return None;
            }
        };
        for address in addresses {
            let config = self.config_for(server, address);
            match timeout(self.limit, self.connect(&config)).await {
                Ok(Ok((opened, ServerState::Writable))) => return Some(opened),
                Ok(Ok((opened, ServerState::ReadOnly))) if !self.demands_writes => {
                    search.read_only.get_or_insert(opened);
                }
                Ok(Ok((_, ServerState::ReadOnly))) => refuse(Refusal::ReadOnly),
                Ok(Ok((_, ServerState::Standby))) => refuse(Refusal::Standby),
                Ok(Err(error)) => refuse(Refusal::Postgres(Arc::new(error))),
                Err(_) => {
                    self.doubt.cast();
                    refuse(Refusal::Silent(self.limit));
                }
            }
        }
        None
    }

    fn config_for(&self, server: &Server, address: Option<IpAddr>) -> Config {
        let mut config = Config::clone(&self.config.load());
        match &server.host {
            Host::Tcp(name) => config.host(name),
            Host::Unix(path) => config.host_path(path),
        };
        if let Some(address) = address {
            config.hostaddr(address);
        }
        config.port(server.port);
        config
    }

    async fn addresses(&self, server: &Server) -> Result<Vec<Option<IpAddr>>, Refusal> {
        let name = match (&server.host, server.address) {
            (Host::Unix(_), _) => return Ok(vec![None]),
            (Host::Tcp(_), Some(address)) => return Ok(vec![Some(address)]),
            (Host::Tcp(name), None) => name.as_str(),
        };
        let found = timeout(self.limit, lookup_host((name, server.port))).await;
        let found = found.map_err(|_| Refusal::Silent(self.limit))?;
        let found = found.map_err(|error| Refusal::Lookup(Arc::new(error)))?;
        Ok(found.map(|address| Some(address.ip())).collect())
    }

    async fn connect(
        &self,
        config: &Config,
    ) -> Result<(Opened, ServerState), tokio_postgres::Error> {
        let (client, mut connection) = config.connect(self.tls.clone()).await?;
        let state = session::prepare(&client, &mut connection, &self.preparation).await?;
        Ok((Opened { client, connection }, state))
    }
}

/// An attempt to use a server, which has failed unless it is said to have succeeded: one that is given up half-way, because
/// a request could wait no longer, is followed by one to the next server.
struct Attempt<'a>(Option<&'a Candidate>);

impl<'a> Attempt<'a> {
    fn begin(candidate: &'a Candidate) -> Self {
        Self(Some(candidate))
    }

    fn succeeded(mut self) {
        if let Some(candidate) = self.0.take() {
            candidate.has_failed.store(false, Ordering::Relaxed);
        }
    }
}

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        if let Some(candidate) = self.0 {
            candidate.has_failed.store(true, Ordering::Relaxed);
        }
    }
}
