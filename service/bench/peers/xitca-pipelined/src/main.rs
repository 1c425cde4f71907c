//! xitca-http with xitca-postgres: one thread per core, each with connections of its own on which requests are
//! pipelined. Rows are serialized from the receive buffer, without copies of their texts. Reads share one connection,
//! so that many go out in one system call; writes are spread over several, because on one each would wait for the
//! commit of the one before.

mod database;

use bytes::{BufMut, Bytes, BytesMut};
use database::{Connection, Database, RowRef};
use peer_user::{Change, PageQuery, Profile, Route, User};
use std::convert::Infallible;
use std::time::Duration;
use uuid::Uuid;
use xitca_http::HttpServiceBuilder;
use xitca_http::body::{BodyExt, Full, RequestBody};
use xitca_http::config::HttpServiceConfig;
use xitca_http::http::const_header_value::JSON;
use xitca_http::http::header::CONTENT_TYPE;
use xitca_http::http::{self, IntoResponse, Method, RequestExt, StatusCode};
use xitca_http::util::middleware::context::{Context, ContextBuilder};
use xitca_postgres::error::{DbError, SqlState};
use xitca_postgres::iter::AsyncLendingIterator;
use xitca_postgres::{Error, Execute, Statement};
use xitca_service::{ServiceExt, fn_service};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

type Request = http::Request<RequestExt<RequestBody>>;
type Response = http::Response<Full<Bytes>>;
/// The status and the JSON of a response.
type Answer = Result<(StatusCode, Bytes), StatusCode>;

fn main() -> std::io::Result<()> {
    let listen = std::env::var("LISTEN").unwrap_or_else(|_| "127.0.0.1:8080".to_owned());
    let config = HttpServiceConfig::new()
        .disable_vectored_write()
        .max_request_headers::<16>()
        .keep_alive_timeout(Duration::from_secs(75));
    let service = fn_service(handle)
        .enclosed(ContextBuilder::new(|| async {
            Ok::<_, Infallible>(Database::connect().await)
        }))
        .enclosed(HttpServiceBuilder::h1().config(config));
    xitca_server::Builder::new()
        .bind("users", listen, service)?
        .build()
        .wait()
}

async fn handle(context: Context<'_, Request, Database>) -> Result<Response, Infallible> {
    let (mut request, database) = context.into_parts();
    let answer = match (request.method(), Route::of(request.uri().path())) {
        (&Method::GET, Some(Route::User(id))) => read(database, id).await,
        (&Method::GET, Some(Route::Users)) => list(database, request.uri().query()).await,
        (&Method::POST, Some(Route::Users)) => {
            let profile = profile(request.body_mut()).await;
            create(database, profile).await
        }
        (&Method::PUT, Some(Route::User(id))) => {
            let profile = profile(request.body_mut()).await;
            replace(database, id, profile).await
        }
        (_, Some(_)) => Err(StatusCode::METHOD_NOT_ALLOWED),
        (_, None) => Err(StatusCode::NOT_FOUND),
    };
    Ok(match answer {
        Ok((status, json)) => {
            let mut response = request.into_response(Full::new(json));
            response.headers_mut().insert(CONTENT_TYPE, JSON);
            *response.status_mut() = status;
            response
        }
        Err(status) => {
            let mut response = request.into_response(Full::new(Bytes::new()));
            *response.status_mut() = status;
            response
        }
    })
}

async fn read(database: &Database, id: Uuid) -> Answer {
    let Connection { client, select, .. } = database.for_reading();
    let mut rows = select.bind([id]).query(client).await.map_err(failure)?;
    match rows.try_next().await.map_err(failure)? {
        Some(row) => Ok((
            StatusCode::OK,
            database.json(&User::<&str>::from_row(&RowRef(row))),
        )),
        None => Err(StatusCode::NOT_FOUND),
    }
}

/// Writes each row into the page as it arrives.
async fn list(database: &Database, query: Option<&str>) -> Answer {
    let limit = PageQuery::parse(query)
        .ok_or(StatusCode::BAD_REQUEST)?
        .limit;
    let Connection { client, list, .. } = database.for_reading();
    let parameters = [limit.clamp(1, 200)];
    let mut rows = list.bind(parameters).query(client).await.map_err(failure)?;
    let mut page = BytesMut::with_capacity(16 * 1024);
    page.put_slice(b"{\"items\":[");
    let mut is_first = true;
    while let Some(row) = rows.try_next().await.map_err(failure)? {
        if !std::mem::take(&mut is_first) {
            page.put_u8(b',');
        }
        let row = RowRef(row);
        sonic_rs::to_writer((&mut page).writer(), &User::<&str>::from_row(&row))
            .expect("a user is valid JSON");
    }
    page.put_slice(b"]}");
    Ok((StatusCode::OK, page.freeze()))
}

async fn create(database: &Database, profile: Result<Profile, StatusCode>) -> Answer {
    let connection = database.for_writing();
    let statement = &connection.insert;
    let json = change(database, connection, statement, Uuid::now_v7(), &profile?).await?;
    Ok((StatusCode::CREATED, json))
}

async fn replace(database: &Database, id: Uuid, profile: Result<Profile, StatusCode>) -> Answer {
    let connection = database.for_writing();
    let json = change(database, connection, &connection.update, id, &profile?).await?;
    Ok((StatusCode::OK, json))
}

async fn change(
    database: &Database,
    connection: &Connection,
    statement: &Statement,
    id: Uuid,
    profile: &Profile,
) -> Result<Bytes, StatusCode> {
    if !profile.is_valid() {
        return Err(StatusCode::UNPROCESSABLE_ENTITY);
    }
    let change = Change::new(id, profile);
    let query = statement
        .bind_dyn(&change.parameters())
        .query(&connection.client);
    let mut rows = query.await.map_err(failure)?;
    let json = match rows.try_next().await.map_err(failure)? {
        Some(row) => database.json(&User::<&str>::from_row(&RowRef(row))),
        None => return Err(StatusCode::NOT_FOUND),
    };
    // The row comes before the commit, and the stream ends after it.
    match rows.try_next().await.map_err(failure)? {
        None => Ok(json),
        Some(_) => Err(StatusCode::INTERNAL_SERVER_ERROR),
    }
}

/// Reads the body, in most cases one frame.
async fn profile(body: &mut RequestExt<RequestBody>) -> Result<Profile, StatusCode> {
    let mut whole = Bytes::new();
    while let Some(data) = body.data().await {
        let data = data.map_err(|_| StatusCode::BAD_REQUEST)?;
        whole = if whole.is_empty() {
            data
        } else {
            [whole, data].concat().into()
        };
    }
    sonic_rs::from_slice(&whole).map_err(|_| StatusCode::BAD_REQUEST)
}

fn failure(error: Error) -> StatusCode {
    match error.downcast_ref::<DbError>() {
        Some(error) if error.code() == &SqlState::UNIQUE_VIOLATION => StatusCode::CONFLICT,
        _ => {
            eprintln!("{error}");
            StatusCode::INTERNAL_SERVER_ERROR
        }
    }
}
