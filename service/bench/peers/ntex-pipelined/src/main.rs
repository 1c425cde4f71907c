//! ntex's HTTP service with tokio-postgres, each worker with connections of its own on which requests are pipelined.
//! Reads share one connection, so that many go out in one system call; writes are spread over several, because on one
//! each would wait for the commit of the one before.

mod database;

use database::{Connection, Database};
use ntex::http::header::{CONTENT_TYPE, HeaderValue};
use ntex::http::{
    HttpService, HttpServiceConfig, KeepAlive, Method, Payload, Request, Response, StatusCode,
};
use ntex::io::IoConfig;
use ntex::time::Seconds;
use ntex::{Service, ServiceCtx, ServiceFactory, SharedCfg};
use peer_user::{Change, Page, PageQuery, Profile, Route, User};
use serde::Serialize;
use std::convert::Infallible;
use std::io::{Error, Result};
use tokio_postgres::{Row, Statement, error::SqlState};
use uuid::Uuid;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const JSON: HeaderValue = HeaderValue::from_static("application/json");

struct App {
    database: Database,
}

struct AppFactory;

#[ntex::main]
async fn main() -> Result<()> {
    let listen = std::env::var("LISTEN").unwrap_or_else(|_| "127.0.0.1:8080".to_owned());
    // The settings of ntex's entry in TechEmpower's benchmarks: larger buffers, no timers.
    let io = IoConfig::new()
        .set_read_buf(65_535, 2048, 128)
        .set_write_buf(65_535, 2048, 128);
    let http = HttpServiceConfig::new()
        .set_keepalive(KeepAlive::Os)
        .set_client_timeout(Seconds::ZERO)
        .set_headers_read_rate(Seconds::ZERO, Seconds::ZERO, 0)
        .set_payload_read_rate(Seconds::ZERO, Seconds::ZERO, 0);
    ntex::server::build()
        .backlog(1024)
        .enable_affinity()
        .bind("users", listen, async |_| HttpService::h1(AppFactory))?
        .config("users", SharedCfg::new("users").add(io).add(http))
        .run()
        .await
}

impl ServiceFactory<Request, SharedCfg> for AppFactory {
    type Response = Response;
    type Error = Error;
    type Service = App;
    type InitError = Infallible;

    async fn create(&self, _: SharedCfg) -> std::result::Result<App, Infallible> {
        let database = Database::connect().await;
        Ok(App { database })
    }
}

impl Service<Request> for App {
    type Response = Response;
    type Error = Error;

    async fn call(&self, mut request: Request, _: ServiceCtx<'_, Self>) -> Result<Response> {
        let route = Route::of(request.path());
        Ok(match (request.method(), route) {
            (&Method::GET, Some(Route::User(id))) => self.read(id).await,
            (&Method::GET, Some(Route::Users)) => self.list(request.uri().query()).await,
            (&Method::POST, Some(Route::Users)) => self.create(request.payload()).await,
            (&Method::PUT, Some(Route::User(id))) => self.replace(id, request.payload()).await,
            (_, Some(_)) => Response::new(StatusCode::METHOD_NOT_ALLOWED),
            (_, None) => Response::new(StatusCode::NOT_FOUND),
        })
    }
}

impl App {
    async fn read(&self, id: Uuid) -> Response {
        let Connection { client, select, .. } = self.database.for_reading();
        match client.query_opt(select, &[&id]).await {
            Ok(row) => one(StatusCode::OK, row),
            Err(error) => failure(&error),
        }
    }

    async fn list(&self, query: Option<&str>) -> Response {
        let Some(PageQuery { limit }) = PageQuery::parse(query) else {
            return Response::new(StatusCode::BAD_REQUEST);
        };
        let Connection { client, list, .. } = self.database.for_reading();
        match client.query(list, &[&limit.clamp(1, 200)]).await {
            Ok(rows) => json(
                StatusCode::OK,
                &Page {
                    items: rows.iter().map(User::<&str>::from_row).collect(),
                },
            ),
            Err(error) => failure(&error),
        }
    }

    async fn create(&self, payload: &mut Payload) -> Response {
        let connection = self.database.for_writing();
        let (statement, id) = (&connection.insert, Uuid::now_v7());
        change(connection, statement, StatusCode::CREATED, id, payload).await
    }

    async fn replace(&self, id: Uuid, payload: &mut Payload) -> Response {
        let connection = self.database.for_writing();
        change(connection, &connection.update, StatusCode::OK, id, payload).await
    }
}

async fn change(
    connection: &Connection,
    statement: &Statement,
    status: StatusCode,
    id: Uuid,
    payload: &mut Payload,
) -> Response {
    let Some(profile) = profile(payload).await else {
        return Response::new(StatusCode::BAD_REQUEST);
    };
    if !profile.is_valid() {
        return Response::new(StatusCode::UNPROCESSABLE_ENTITY);
    }
    let change = Change::new(id, &profile);
    let parameters = change.parameters();
    match connection.client.query_opt(statement, &parameters).await {
        Ok(row) => one(status, row),
        Err(error) => failure(&error),
    }
}

/// Reads the body, in most cases one chunk.
async fn profile(payload: &mut Payload) -> Option<Profile> {
    let mut whole = payload.recv().await?.ok()?;
    while let Some(chunk) = payload.recv().await {
        whole = [whole.as_ref(), chunk.ok()?.as_ref()].concat().into();
    }
    sonic_rs::from_slice(&whole).ok()
}

fn one(status: StatusCode, row: Option<Row>) -> Response {
    match row {
        Some(row) => json(status, &User::<&str>::from_row(&row)),
        None => Response::new(StatusCode::NOT_FOUND),
    }
}

fn json(status: StatusCode, body: &impl Serialize) -> Response {
    let body = sonic_rs::to_vec(body).expect("a user is valid JSON");
    let mut response = Response::with_body(status, body.into());
    response.headers_mut().insert(CONTENT_TYPE, JSON);
    response
}

fn failure(error: &tokio_postgres::Error) -> Response {
    if error.code() == Some(&SqlState::UNIQUE_VIOLATION) {
        return Response::new(StatusCode::CONFLICT);
    }
    eprintln!("{error}");
    Response::new(StatusCode::INTERNAL_SERVER_ERROR)
}
