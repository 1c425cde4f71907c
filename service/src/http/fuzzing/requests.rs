//! Whole connections of HTTP/1.1: the bytes go through hyper, the edge, the router and the handlers, with a store that
//! holds one user.

#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "a panic is how a fuzz target reports a defect"
)]

use crate::domain::client::ClientOutcome;
use crate::domain::{
    Actor, ApiClient, Change, ChangeId, ChangeKind, ChangePage, ClientId, ClientRegistry,
    ClientStore, Created, Directory, DirectoryError, FeedPosition, IdempotencyClaim, Lookup, Page,
    PageRequest, PageStart, Profile, Provision, ProvisionedPage, ProvisionedUser,
    ProvisioningStore, ScimProfile, Stamp, Timestamp, User, UserId, UserStore, Version,
};
use crate::http::api::fuzzing::ada;
use crate::http::api::service::{Service, Source};
use crate::http::connection::connection_io::Calls;
use crate::http::connection::server::serve_http1;
use crate::http::connection::write_deadline::WriteDeadline;
use crate::http::{
    Auth, BodyLimits, BulkPermits, BulkSettings, CursorSeal, Edge, Gate, HttpSettings, OwnTokens,
    ScimSettings, ServerLimits, TEMPLATES, TokenIssuer, TrustedProxies,
};
use crate::metrics::{BuildInfo, Metrics};
use crate::telemetry::{LogFormat, Telemetry, TelemetrySettings};
use memchr::memmem;
use std::future::Future;
use std::sync::{Arc, LazyLock};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
use tokio::runtime::Runtime;
use tokio::sync::watch;

type Outcome<T> = Result<T, DirectoryError>;

/// A directory with one user, which no write changes.
pub(super) struct OneUser;

impl UserStore for OneUser {
    async fn read(&self, id: UserId) -> Outcome<Option<Arc<User>>> {
        let ada = ada();
        Ok((ada.id == id).then(|| Arc::new(ada)))
    }

    async fn create(
        &self,
        user: User,
        _: Option<IdempotencyClaim>,
        _: Option<Actor>,
    ) -> Outcome<Created> {
        Ok(Created::Now(user))
    }

    async fn replace(
        &self,
        _: UserId,
        profile: Profile,
        _: Option<Version>,
        stamp: Stamp,
    ) -> Outcome<User> {
        Ok(User {
            profile,
            updated_at: stamp.at,
            ..ada()
        })
    }

    async fn delete(&self, _: UserId, _: Option<Version>, _: Stamp) -> Outcome<()> {
        Ok(())
    }

    async fn replace_with<E>(
        &self,
        _: UserId,
        _: Stamp,
        replacement: impl Fn(&User) -> Result<Profile, E> + Send + Sync + 'static,
    ) -> Result<User, E>
    where
        E: From<DirectoryError> + Send + 'static,
    {
        let profile = replacement(&ada())?;
        Ok(User { profile, ..ada() })
    }

    async fn delete_if<E>(
        &self,
        _: UserId,
        _: Stamp,
        condition: impl Fn(&User) -> Result<(), E> + Send + Sync + 'static,
    ) -> Result<(), E>
    where
        E: From<DirectoryError> + Send + 'static,
    {
        condition(&ada())
    }

    async fn list(&self, _: &PageRequest) -> Outcome<Arc<Page>> {
        Ok(Arc::new(Page::new(vec![ada()], None)))
    }

    /// Never empty, so that no reader waits.
    async fn changes(&self, _: Option<FeedPosition>, _: u8) -> Outcome<ChangePage> {
        let ada = ada();
        let position = FeedPosition {
            position: 1,
            change: Some(ChangeId {
                user: ada.id,
                version: ada.version,
            }),
        };
        let change = Change {
            position,
            kind: ChangeKind::Created,
            at: ada.created_at,
            actor: Some(Actor::new("billing".into())),
            id: ada.id,
            user: Some(ada),
        };
        Ok(ChangePage {
            changes: vec![change],
            seen_through: position,
        })
    }

    fn changed(&self) -> impl Future<Output = ()> + Send + 'static {
        std::future::ready(())
    }
}

fn provisioned() -> ProvisionedUser {
    ProvisionedUser {
        user: ada(),
        document: None,
        external_id: None,
    }
}

impl ProvisioningStore for OneUser {
    async fn look_up(&self, _: &Arc<str>, _: &[Lookup]) -> Outcome<Vec<ProvisionedUser>> {
        Ok(vec![provisioned()])
    }

    async fn list_provisioned(
        &self,
        _: &Arc<str>,
        _: &PageRequest,
        _: PageStart,
    ) -> Outcome<ProvisionedPage> {
        Ok(ProvisionedPage {
            users: vec![provisioned()],
            next: None,
            total: Some(1),
        })
    }

    async fn create_provisioned(
        &self,
        _: &Arc<str>,
        user: User,
        _: Provision,
        _: Option<Actor>,
    ) -> Outcome<User> {
        Ok(user)
    }

    async fn change_provisioned<E>(
        &self,
        _: &Arc<str>,
        _: UserId,
        _: Stamp,
        change: impl Fn(&ProvisionedUser, ScimProfile) -> Result<Option<Provision>, E>
        + Send
        + Sync
        + 'static,
    ) -> Result<ProvisionedUser, E>
    where
        E: From<DirectoryError> + Send + 'static,
    {
        let present = provisioned();
        Ok(match change(&present, ScimProfile::Entra)? {
            Some(provision) => ProvisionedUser {
                document: Some(provision.attributes.document),
                external_id: provision.external_id,
                ..present
            },
            None => present,
        })
    }
}

/// No client is registered.
struct NoClients;

impl ClientStore for NoClients {
    fn add<'a>(&'a self, _: &'a ApiClient) -> ClientOutcome<'a, bool> {
        Box::pin(async { Ok(false) })
    }

    fn find<'a>(&'a self, _: &'a ClientId) -> ClientOutcome<'a, Option<ApiClient>> {
        Box::pin(async { Ok(None) })
    }

    fn list(&self) -> ClientOutcome<'_, Vec<ApiClient>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    fn revoke<'a>(&'a self, _: &'a ClientId, _: Timestamp) -> ClientOutcome<'a, bool> {
        Box::pin(async { Ok(false) })
    }
}

fn settings() -> HttpSettings {
    let bodies = BodyLimits {
        total: 16,
        per_address: 16,
        per_connection: 16,
    };
    HttpSettings {
        version: "0.0.0",
        body_limit_bytes: 65_536,
        body_timeout: Duration::from_secs(10),
        bodies,
        token_body_limit_bytes: 8192,
        token_body_timeout: Duration::from_secs(10),
        token_bodies: bodies,
        waiting_readers_per_client: 16,
        uri_limit_bytes: 8192,
        headers_limit_bytes: 16_384,
        queue_limit: 16,
        queue_target: Duration::ZERO,
        require_if_match: false,
        bulk: BulkSettings {
            exports: 16,
            imports: 16,
            import_timeout: Duration::from_secs(5),
            import_batch: 4,
            import_share_percent: 100,
            drain_grace: Duration::ZERO,
        },
        scim: Some(ScimSettings {
            base_url: None,
            bulk_operations: 16,
            bulk_limit_bytes: 65_536,
        }),
        redirect_plain_http: true,
        hsts_max_age_s: 60,
        cors_origins: vec!["https://app.example".into()],
        trusted_proxies: TrustedProxies::new(&["192.0.2.0/24".parse().expect("a network")]),
    }
}

const LIMITS: ServerLimits = ServerLimits {
    max_connections: 1,
    header_timeout: Duration::from_secs(10),
    keep_alive_timeout: Duration::from_secs(10),
    write_timeout: Duration::from_secs(10),
    head_buffer_bytes: 32_768,
    drain_delay: Duration::ZERO,
    drain_timeout: Duration::ZERO,
};

struct Server {
    runtime: Runtime,
    edge: Arc<Edge>,
    metrics: Arc<Metrics>,
    draining: watch::Receiver<bool>,
    _stop: watch::Sender<bool>,
}

impl Server {
    fn start() -> Self {
        let build = BuildInfo {
            version: "0",
            revision: "0",
        };
        let metrics = Metrics::new(TEMPLATES, build).expect("metrics");
        let silent = TelemetrySettings {
            format: LogFormat::Off,
            ..TelemetrySettings::default()
        };
        let telemetry = Telemetry::open(&silent).expect("a log");
        let own = OwnTokens {
            issuer: "roster".into(),
            audience: "roster".into(),
        };
        let clients = ClientRegistry::new(Arc::new(NoClients), 1);
        let (stop, draining) = watch::channel(false);
        let service = Arc::new(Service {
            directory: Directory::new(OneUser),
            cursors: CursorSeal::new(&[7; 32]).expect("a key"),
            bulk: BulkPermits::new(&settings().bulk),
            settings: settings(),
            tokens: TokenIssuer::new(clients, own, 60, None),
            source: Source,
            failures: None,
            metrics: metrics.clone(),
            draining: draining.clone(),
        });
        let gate = Gate {
            auth: Auth::Disabled,
            rate_limits: None,
            failures: None,
        };
        let edge = Edge::new(&service, telemetry.access_log(), telemetry.tracer(), gate);
        let runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = { runtime }.enable_all().build();
        Self {
            runtime: runtime.expect("a runtime"),
            edge: Arc::new(edge.expect("an edge")),
            metrics,
            draining,
            _stop: stop,
        }
    }

    /// Everything that a client reads that sends `data`, and then nothing more.
    fn answer(&self, data: &[u8]) -> Vec<u8> {
        self.runtime.block_on(async {
            let (near, far) = duplex(64 * 1024);
            let calls = Calls::default();
            let peer = ([192, 0, 2, 1], 4711).into();
            let connection = self.edge.connection(peer, calls.clone(), false);
            let far = WriteDeadline::new(far, LIMITS.write_timeout, self.metrics.clone());
            let served = serve_http1(far, connection, calls, LIMITS, self.draining.clone());
            let (mut reader, mut writer) = tokio::io::split(near);
            let send = async move {
                // It fails when the service has closed the connection.
                let _ = writer.write_all(data).await;
                let _ = writer.shutdown().await;
            };
            let mut answers = Vec::new();
            let ((), (), read) = tokio::join!(served, send, reader.read_to_end(&mut answers));
            read.expect("a duplex does not fail");
            answers
        })
    }
}

/// One connection of HTTP/1.1: no request may fail with 500, and every answer is HTTP.
pub(super) fn head(data: &[u8]) {
    thread_local! {
        static SERVER: LazyLock<Server> = LazyLock::new(Server::start);
    }
    let answers = SERVER.with(|server| server.answer(data));
    assert!(
        answers.is_empty() || answers.starts_with(b"HTTP/1."),
        "an answer that is not HTTP: {}",
        answers.escape_ascii()
    );
    // No document has a line break of its own, so this is a status line.
    let failed = b"HTTP/1.1 500 Internal Server Error\r\n";
    assert!(
        memmem::find(&answers, failed).is_none(),
        "a request failed: {}",
        answers.escape_ascii()
    );
}
