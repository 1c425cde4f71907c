//! The real app on free ports, with a database of its own, and a client to speak with it.

use bytes::Bytes;
use clap::Parser;
use dev_postgres::Database;
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use roster::app::{App, Reload, pool_settings};
use roster::config::{DatabaseArgs, ServeArgs};
use roster::store::PoolSettings;
use roster::store::migrations;
use roster::telemetry::{LogFormat, Telemetry, TelemetrySettings};
use serde_json::Value;
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_postgres::NoTls;

#[derive(Parser)]
#[command(args_override_self = true)]
struct Serve {
    #[command(flatten)]
    args: ServeArgs,
}

#[derive(Parser)]
struct Migrate {
    #[command(flatten)]
    database: DatabaseArgs,
}

/// A running service.
pub(crate) struct TestApp {
    pub(crate) address: SocketAddr,
    pub(crate) admin_address: SocketAddr,
    stop: watch::Sender<bool>,
    reload: Reload,
    running: JoinHandle<usize>,
    client: HttpClient,
    database_url: String,
    // Dropped last: the database goes when nobody uses it any more.
    #[allow(dead_code, reason = "held so that it is dropped after the app")]
    database: Option<Database>,
}

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) trailers: HeaderMap,
}

impl Answer {
    /// The body as one JSON document a line.
    pub(crate) fn lines(&self) -> Vec<Value> {
        let text = std::str::from_utf8(&self.body).expect("UTF-8");
        text.lines()
            .map(|line| {
                serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))
            })
            .collect()
    }

    /// The body as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {:?}", self.body))
    }

    /// A header field.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().expect("visible ASCII"))
    }

    /// The slug of the problem that the answer is; demands everything that a problem has.
    pub(crate) fn problem(&self) -> String {
        assert_eq!(
            self.header("content-type"),
            "application/problem+json",
            "{self:?}"
        );
        let document = self.json();
        assert_eq!(document["status"], self.status.as_u16());
        assert_eq!(document["request_id"], self.header("x-request-id"));
        for member in ["title", "detail", "instance"] {
            assert!(document[member].is_string(), "{member} in {document}");
        }
        let kind = document["type"].as_str().expect("a type");
        kind.strip_prefix("/problems/")
            .expect("a type of ours")
            .to_owned()
    }
}

/// How `roster migrate` connects.
pub(crate) fn migration_settings(url: &str) -> PoolSettings {
    let args = Migrate::parse_from([
        "migrate",
        "--connect-timeout-ms=30000",
        "--database-url",
        url,
    ]);
    pool_settings(&args.database, None).unwrap_or_else(|error| panic!("{error}"))
}

/// A fresh database with the schema of Roster.
pub(crate) async fn database() -> Database {
    dev_postgres::test_database(async |url: String| migrate(&url).await)
        .await
        .unwrap_or_else(|error| panic!("{error}"))
}

/// Brings the schema of a database to the newest version.
pub(crate) async fn migrate(url: &str) -> Result<(), String> {
    migrations::migrate(&migration_settings(url), |_| {})
        .await
        .map(drop)
        .map_err(|error| error.to_string())
}

impl TestApp {
    /// A service with the settings of the tests.
    pub(crate) async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// A service with further flags.
    pub(crate) async fn start_with(flags: &[&str]) -> Self {
        let database = database().await;
        let url = database.url().to_owned();
        let mut app = Self::start_on(&url, flags).await;
        app.database = Some(database);
        app
    }

    /// A service on the database that `url` names.
    pub(crate) async fn start_on(url: &str, flags: &[&str]) -> Self {
        // No test is decided by how busy the machine is: the limits of time are far away unless a test wants them near.
        let auth = if flags.contains(&"--auth") {
            &[][..]
        } else {
            &["--auth=disabled"]
        };
        let fixed = [
            "serve",
            "--listen=127.0.0.1:0",
            "--admin-listen=127.0.0.1:0",
            "--connect-timeout-ms=30000",
            "--pool-wait-timeout-ms=30000",
            "--statement-timeout-ms=30000",
            "--lock-timeout-ms=30000",
            "--database-timeout-ms=30000",
            "--request-timeout-ms=60000",
            "--queue-target-ms=0",
            "--database-url",
            url,
        ];
        let args = Serve::parse_from([&fixed, auth, flags].into_iter().flatten().copied()).args;
        let quiet = TelemetrySettings {
            format: LogFormat::Off,
            ..TelemetrySettings::default()
        };
        let telemetry = Telemetry::open(&quiet).expect("a log");
        let begun = Instant::now();
        let app = loop {
            match App::start(&args, &telemetry).await {
                Ok(app) => break app,
                // Where a test's own limit is tight, a busy machine may need longer to connect once.
                Err(error)
                    if error.to_string().contains("no answer within")
                        && begun.elapsed() < HANGING => {}
                Err(error) => panic!("{error}"),
            }
        };
        Self {
            address: app.address(),
            admin_address: app.admin_address(),
            stop: app.stop_handle(),
            reload: app.reload_handle(),
            running: tokio::spawn(async { app.run().await }),
            client: Client::builder(TokioExecutor::new()).build_http(),
            database_url: url.to_owned(),
            database: None,
        }
    }

    /// Stops the service and waits until it has stopped; returns the number of aborted connections.
    pub(crate) async fn stop(&mut self) -> usize {
        self.stop.send_replace(true);
        (&mut self.running)
            .await
            .expect("the service ends by itself")
    }

    /// Stops the service.
    pub(crate) fn begin_stop(&self) {
        self.stop.send_replace(true);
    }

    /// Has it take up renewed secrets, as SIGHUP does.
    pub(crate) fn reload(&self) {
        self.reload.secrets();
    }

    /// The status of `/readyz`.
    pub(crate) async fn readiness(&self) -> u16 {
        self.ask_admin("/readyz").await.status.as_u16()
    }

    /// What `/readyz` says.
    pub(crate) async fn ready_text(&self) -> String {
        String::from_utf8(self.ask_admin("/readyz").await.body.to_vec()).expect("UTF-8")
    }

    /// Its metrics, as Prometheus reads them.
    pub(crate) async fn metrics(&self) -> String {
        String::from_utf8(self.ask_admin("/metrics").await.body.to_vec()).expect("UTF-8")
    }

    async fn ask_admin(&self, path: &str) -> Answer {
        let uri = format!("http://{}{path}", self.admin_address);
        let request = Request::get(uri).body(Full::default()).expect("a request");
        let response = self.client.request(request).await.expect("an answer");
        let (parts, body) = response.into_parts();
        Answer {
            status: parts.status,
            headers: parts.headers,
            body: body.collect().await.expect("a body").to_bytes(),
            trailers: HeaderMap::new(),
        }
    }

    /// The URL of its database.
    pub(crate) fn database_url(&self) -> &str {
        &self.database_url
    }

    /// A connection to the database itself, to look at rows.
    pub(crate) async fn sql(&self) -> tokio_postgres::Client {
        let (client, connection) = tokio_postgres::connect(&self.database_url, NoTls)
            .await
            .expect("PostgreSQL");
        tokio::spawn(connection);
        client
    }

    /// Sends a request, or says why it could not be sent.
    pub(crate) async fn try_send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Result<Answer, String> {
        call(&self.client, self.address, method, path, headers, body).await
    }

    /// Sends a request.
    pub(crate) async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Answer {
        self.try_send(method, path, headers, body)
            .await
            .unwrap_or_else(|error| panic!("{method} {path}: {error}"))
    }

    /// `GET`
    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &[], "").await
    }

    /// `POST /v1/users`
    pub(crate) async fn create(&self, user: &Value) -> Answer {
        self.send("POST", "/v1/users", JSON, &user.to_string())
            .await
    }

    /// Creates a user that has to be valid and new.
    pub(crate) async fn created(&self, user: &Value) -> Value {
        let answer = self.create(user).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        answer.json()
    }

    /// Follows `next` from the first page on; returns every item.
    pub(crate) async fn walk(&self, query: &str) -> Vec<Value> {
        let mut items = Vec::new();
        let mut cursor = String::new();
        loop {
            let page = self.get(&format!("/v1/users?{query}{cursor}")).await;
            assert_eq!(page.status, 200, "{page:?}");
            let page = page.json();
            items.extend(page["items"].as_array().expect("items").iter().cloned());
            match page["next"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return items,
            }
        }
    }
}

impl Drop for TestApp {
    fn drop(&mut self) {
        self.running.abort();
    }
}

/// A client that keeps its connections.
pub(crate) type HttpClient = Client<HttpConnector, Full<Bytes>>;

/// How long a test waits for one answer: longer than the service lets anybody wait.
const HANGING: Duration = Duration::from_mins(2);

/// Sends a request to `address`, or says why it could not be sent.
pub(crate) async fn call(
    client: &HttpClient,
    address: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Result<Answer, String> {
    let method = Method::from_bytes(method.as_bytes()).expect("a method");
    let mut request = Request::builder()
        .method(method)
        .uri(format!("http://{address}{path}"));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request
        .body(Full::new(Bytes::from(body.to_owned())))
        .expect("a request");
    let answered = async {
        let response = client.request(request).await;
        let (parts, body) = response.map_err(|error| format!("{error:?}"))?.into_parts();
        let body = body.collect().await.map_err(|error| format!("{error:?}"))?;
        let trailers = body.trailers().cloned().unwrap_or_default();
        Ok::<_, String>((parts, body.to_bytes(), trailers))
    };
    // A test that waits for ever says nothing about what it waits for.
    let (parts, body, trailers) = tokio::time::timeout(HANGING, answered)
        .await
        .unwrap_or_else(|_| panic!("no answer to {path} within {HANGING:?}"))?;
    Ok(Answer {
        status: parts.status,
        headers: parts.headers,
        body,
        trailers,
    })
}

/// The header of a JSON body.
pub(crate) const JSON: &[(&str, &str)] = &[("content-type", "application/json")];

/// The id of a user.
pub(crate) fn id(user: &Value) -> &str {
    user["id"].as_str().expect("an id")
}

/// The path of a user.
pub(crate) fn path(user: &Value) -> String {
    format!("/v1/users/{}", id(user))
}
