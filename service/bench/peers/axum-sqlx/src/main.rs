//! axum with sqlx's pool, as its documentation shows it.
//! The ping before each use of a connection, on by default, is off: it would double the round trips.

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use peer_user::{INSERT, LIST, Page, PageQuery, Profile, SELECT, UPDATE, User, grams};
use sqlx::postgres::{PgPool, PgPoolOptions, PgRow};
use sqlx::{Postgres, Row, query::Query as SqlQuery};
use uuid::Uuid;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

type Answer<T> = Result<T, StatusCode>;

#[tokio::main]
async fn main() {
    let url = std::env::var("DATABASE_URL").expect("DATABASE_URL names the database");
    let pool = PgPoolOptions::new()
        .max_connections(16)
        .test_before_acquire(false)
        .connect(&url);
    let router = Router::new()
        .route("/v1/users", get(list).post(create))
        .route("/v1/users/{id}", get(read).put(replace))
        .with_state(pool.await.expect("the database answers"));
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

async fn read(State(pool): State<PgPool>, Path(id): Path<Uuid>) -> Answer<Json<User>> {
    let row = sqlx::query(SELECT)
        .bind(id)
        .fetch_optional(&pool)
        .await
        .map_err(failure)?;
    Ok(Json(user(&row.ok_or(StatusCode::NOT_FOUND)?)))
}

async fn list(State(pool): State<PgPool>, Query(query): Query<PageQuery>) -> Answer<Json<Page>> {
    let rows = sqlx::query(LIST)
        .bind(query.limit.clamp(1, 200))
        .fetch_all(&pool)
        .await
        .map_err(failure)?;
    Ok(Json(Page {
        items: rows.iter().map(user).collect(),
    }))
}

async fn create(
    State(pool): State<PgPool>,
    Json(profile): Json<Profile>,
) -> Answer<(StatusCode, Json<User>)> {
    let row = change(INSERT, Uuid::now_v7(), &profile)?
        .fetch_one(&pool)
        .await
        .map_err(failure)?;
    Ok((StatusCode::CREATED, Json(user(&row))))
}

async fn replace(
    State(pool): State<PgPool>,
    Path(id): Path<Uuid>,
    Json(profile): Json<Profile>,
) -> Answer<Json<User>> {
    let row = change(UPDATE, id, &profile)?
        .fetch_optional(&pool)
        .await
        .map_err(failure)?;
    Ok(Json(user(&row.ok_or(StatusCode::NOT_FOUND)?)))
}

fn change<'a>(
    statement: &'static str,
    id: Uuid,
    profile: &'a Profile,
) -> Answer<SqlQuery<'a, Postgres, sqlx::postgres::PgArguments>> {
    if !profile.is_valid() {
        return Err(StatusCode::UNPROCESSABLE_ENTITY);
    }
    let (email_key, name_key) = (profile.email_key(), profile.name_key());
    let grams = grams(&name_key, &email_key);
    Ok(sqlx::query(statement)
        .bind(id)
        .bind(&profile.email)
        .bind(email_key)
        .bind(&profile.name)
        .bind(name_key)
        .bind(&profile.phone)
        .bind(&profile.title)
        .bind(&profile.department)
        .bind(&profile.status)
        .bind(grams))
}

fn user(row: &PgRow) -> User {
    User {
        id: row.get(0),
        email: row.get(1),
        name: row.get(2),
        phone: row.get(3),
        title: row.get(4),
        department: row.get(5),
        status: row.get(6),
        created_at: row.get(7),
        updated_at: row.get(8),
    }
}

fn failure(error: sqlx::Error) -> StatusCode {
    match error.as_database_error() {
        Some(error) if error.is_unique_violation() => StatusCode::CONFLICT,
        _ => {
            eprintln!("{error}");
            StatusCode::INTERNAL_SERVER_ERROR
        }
    }
}
