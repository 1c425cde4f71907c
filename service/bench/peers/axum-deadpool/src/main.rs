//! axum with tokio-postgres from deadpool's pool, statements prepared once per connection.

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use deadpool_postgres::{Manager, ManagerConfig, Object, Pool, RecyclingMethod};
use peer_user::{Change, INSERT, LIST, Page, PageQuery, Profile, SELECT, UPDATE, User};
use tokio_postgres::{NoTls, Row, error::SqlState};
use uuid::Uuid;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

type Answer<T> = Result<T, StatusCode>;

#[tokio::main]
async fn main() {
    let url = std::env::var("DATABASE_URL").expect("DATABASE_URL names the database");
    let fast = ManagerConfig {
        recycling_method: RecyclingMethod::Fast,
    };
    let manager = Manager::from_config(url.parse().expect("DATABASE_URL is valid"), NoTls, fast);
    let pool = Pool::builder(manager)
        .max_size(16)
        .build()
        .expect("the pool is valid");
    let router = Router::new()
        .route("/v1/users", get(list).post(create))
        .route("/v1/users/{id}", get(read).put(replace))
        .with_state(pool);
    let listen = std::env::var("LISTEN").unwrap_or_else(|_| "127.0.0.1:8080".to_owned());
    let listener = tokio::net::TcpListener::bind(listen)
        .await
        .expect("the address is free");
    let listener = axum::serve::ListenerExt::tap_io(listener, |stream| {
        let _ = stream.set_nodelay(true);
    });
    axum::serve(listener, router)
        .await
        .expect("the server runs");
}

async fn read(State(pool): State<Pool>, Path(id): Path<Uuid>) -> Answer<Json<User>> {
    let client = connection(&pool).await?;
    let statement = client.prepare_cached(SELECT).await.map_err(failure)?;
    let row = client
        .query_opt(&statement, &[&id])
        .await
        .map_err(failure)?;
    Ok(Json(User::from_row(&row.ok_or(StatusCode::NOT_FOUND)?)))
}

async fn list(State(pool): State<Pool>, Query(query): Query<PageQuery>) -> Answer<Json<Page>> {
    let client = connection(&pool).await?;
    let statement = client.prepare_cached(LIST).await.map_err(failure)?;
    let rows = client
        .query(&statement, &[&query.limit.clamp(1, 200)])
        .await
        .map_err(failure)?;
    Ok(Json(Page {
        items: rows.iter().map(User::from_row).collect(),
    }))
}

async fn create(
    State(pool): State<Pool>,
    Json(profile): Json<Profile>,
) -> Answer<(StatusCode, Json<User>)> {
    let row = change(&pool, INSERT, Uuid::now_v7(), &profile).await?;
    Ok((
        StatusCode::CREATED,
        Json(User::from_row(
            &row.ok_or(StatusCode::INTERNAL_SERVER_ERROR)?,
        )),
    ))
}

async fn replace(
    State(pool): State<Pool>,
    Path(id): Path<Uuid>,
    Json(profile): Json<Profile>,
) -> Answer<Json<User>> {
    let row = change(&pool, UPDATE, id, &profile).await?;
    Ok(Json(User::from_row(&row.ok_or(StatusCode::NOT_FOUND)?)))
}

async fn change(pool: &Pool, statement: &str, id: Uuid, profile: &Profile) -> Answer<Option<Row>> {
    if !profile.is_valid() {
        return Err(StatusCode::UNPROCESSABLE_ENTITY);
    }
    let change = Change::new(id, profile);
    let client = connection(pool).await?;
    let statement = client.prepare_cached(statement).await.map_err(failure)?;
    client
        .query_opt(&statement, &change.parameters())
        .await
        .map_err(failure)
}

async fn connection(pool: &Pool) -> Answer<Object> {
    pool.get().await.map_err(|error| {
        eprintln!("{error}");
        StatusCode::SERVICE_UNAVAILABLE
    })
}

fn failure(error: tokio_postgres::Error) -> StatusCode {
    if error.code() == Some(&SqlState::UNIQUE_VIOLATION) {
        return StatusCode::CONFLICT;
    }
    eprintln!("{error}");
    StatusCode::INTERNAL_SERVER_ERROR
}
