//! actix-web with tokio-postgres, each worker with connections of its own on which requests are pipelined: the
//! fastest known way. Reads share one connection, so that many go out in one system call; writes are spread over
//! several, because on one each would wait for the commit of the one before.

use actix_web::web::{self, Data, Json, Path, Query};
use actix_web::{App, HttpResponse, HttpServer, http::StatusCode, rt};
use peer_user::{Change, INSERT, LIST, Page, PageQuery, Profile, SELECT, UPDATE, User};
use serde::Serialize;
use std::cell::Cell;
use tokio_postgres::{Client, NoTls, Row, Statement, error::SqlState};
use uuid::Uuid;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const CONNECTIONS_PER_WORKER: usize = 8;

struct Connection {
    client: Client,
    select: Statement,
    list: Statement,
    insert: Statement,
    update: Statement,
}

struct Database {
    connections: Vec<Connection>,
    next: Cell<usize>,
}

#[actix_web::main]
async fn main() -> std::io::Result<()> {
    let listen = std::env::var("LISTEN").unwrap_or_else(|_| "127.0.0.1:8080".to_owned());
    HttpServer::new(|| {
        App::new()
            .data_factory(Database::connect)
            .route("/v1/users", web::get().to(list))
            .route("/v1/users", web::post().to(create))
            .route("/v1/users/{id}", web::get().to(read))
            .route("/v1/users/{id}", web::put().to(replace))
    })
    .bind(listen)?
    .run()
    .await
}

impl Database {
    async fn connect() -> Result<Self, tokio_postgres::Error> {
        let url = std::env::var("DATABASE_URL").expect("DATABASE_URL names the database");
        let mut connections = Vec::with_capacity(CONNECTIONS_PER_WORKER);
        for _ in 0..CONNECTIONS_PER_WORKER {
            let (client, driver) = tokio_postgres::connect(&url, NoTls).await?;
            rt::spawn(driver);
            connections.push(Connection {
                select: client.prepare(SELECT).await?,
                list: client.prepare(LIST).await?,
                insert: client.prepare(INSERT).await?,
                update: client.prepare(UPDATE).await?,
                client,
            });
        }
        Ok(Self {
            connections,
            next: Cell::new(0),
        })
    }

    fn for_reading(&self) -> &Connection {
        &self.connections[0]
    }

    fn for_writing(&self) -> &Connection {
        self.next
            .set((self.next.get() + 1) % self.connections.len());
        &self.connections[self.next.get()]
    }
}

async fn read(database: Data<Database>, id: Path<Uuid>) -> HttpResponse {
    let connection = database.for_reading();
    match connection
        .client
        .query_opt(&connection.select, &[&*id])
        .await
    {
        Ok(row) => one(StatusCode::OK, row),
        Err(error) => failure(&error),
    }
}

async fn list(database: Data<Database>, query: Query<PageQuery>) -> HttpResponse {
    let connection = database.for_reading();
    match connection
        .client
        .query(&connection.list, &[&query.limit.clamp(1, 200)])
        .await
    {
        Ok(rows) => json(
            StatusCode::OK,
            &Page {
                items: rows.iter().map(User::<&str>::from_row).collect(),
            },
        ),
        Err(error) => failure(&error),
    }
}

async fn create(database: Data<Database>, profile: Json<Profile>) -> HttpResponse {
    let connection = database.for_writing();
    change(
        connection,
        &connection.insert,
        StatusCode::CREATED,
        Uuid::now_v7(),
        &profile,
    )
    .await
}

async fn replace(database: Data<Database>, id: Path<Uuid>, profile: Json<Profile>) -> HttpResponse {
    let connection = database.for_writing();
    change(
        connection,
        &connection.update,
        StatusCode::OK,
        *id,
        &profile,
    )
    .await
}

async fn change(
    connection: &Connection,
    statement: &Statement,
    status: StatusCode,
    id: Uuid,
    profile: &Profile,
) -> HttpResponse {
    if !profile.is_valid() {
        return HttpResponse::UnprocessableEntity().finish();
    }
    let row = connection
        .client
        .query_opt(statement, &Change::new(id, profile).parameters())
        .await;
    match row {
        Ok(row) => one(status, row),
        Err(error) => failure(&error),
    }
}

fn one(status: StatusCode, row: Option<Row>) -> HttpResponse {
    match row {
        Some(row) => json(status, &User::<&str>::from_row(&row)),
        None => HttpResponse::NotFound().finish(),
    }
}

fn json(status: StatusCode, body: &impl Serialize) -> HttpResponse {
    HttpResponse::build(status).json(body)
}

fn failure(error: &tokio_postgres::Error) -> HttpResponse {
    if error.code() == Some(&SqlState::UNIQUE_VIOLATION) {
        return HttpResponse::Conflict().finish();
    }
    eprintln!("{error}");
    HttpResponse::InternalServerError().finish()
}
