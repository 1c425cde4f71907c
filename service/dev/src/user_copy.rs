//! Loads users into PostgreSQL with binary `COPY`, the fastest way, for `dev --seed` and for benchmarks.
//!
//! The rows are as the service would have written them: folded keys, and the grams of both.

use std::error::Error;
use std::pin::pin;
use std::time::SystemTime;

use bytes::BytesMut;
use search_grams::index_grams;
use tokio_postgres::Client;
use tokio_postgres::binary_copy::BinaryCopyInWriter;
use tokio_postgres::types::{IsNull, ToSql, Type, accepts, to_sql_checked};

const COPY: &str = "
COPY users (id, email, email_key, name, name_key, phone, title, department, status, row_version, created_at, updated_at,
            search_grams)
FROM STDIN (FORMAT binary)";

const TYPES: [Type; 13] = [
    Type::UUID,
    Type::TEXT,
    Type::TEXT,
    Type::TEXT,
    Type::TEXT,
    Type::TEXT,
    Type::TEXT,
    Type::TEXT,
    Type::TEXT,
    Type::INT8,
    Type::TIMESTAMPTZ,
    Type::TIMESTAMPTZ,
    Type::TS_VECTOR,
];

/// A user that was never changed.
pub struct UserRow {
    /// The id: a UUID of version 7.
    pub id: u128,
    /// An address that is its own key: lower-case ASCII.
    pub email: String,
    pub name: String,
    /// The name, folded.
    pub name_key: String,
    /// A phone number of ITU-T E.164.
    pub phone: Option<String>,
    pub title: &'static str,
    pub department: &'static str,
    /// `active` or `suspended`, as the column has it.
    pub status: &'static str,
    /// Also the time of the last change.
    pub created_at: SystemTime,
}

/// Loads `rows`; all or none of them.
pub async fn copy(
    client: &Client,
    rows: impl Iterator<Item = UserRow>,
) -> Result<(), tokio_postgres::Error> {
    let mut writer = pin!(BinaryCopyInWriter::new(client.copy_in(COPY).await?, &TYPES));
    for row in rows {
        let grams = index_grams([&row.name_key, &row.email]);
        writer
            .as_mut()
            .write(&[
                &UuidBytes(row.id),
                &row.email,
                &row.email,
                &row.name,
                &row.name_key,
                &row.phone,
                &row.title,
                &row.department,
                &row.status,
                &1_i64,
                &row.created_at,
                &row.created_at,
                &grams,
            ])
            .await?;
    }
    writer.finish().await.map(drop)
}

/// A UUID as the server receives it.
#[derive(Debug)]
struct UuidBytes(u128);

impl ToSql for UuidBytes {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        out.extend_from_slice(&self.0.to_be_bytes());
        Ok(IsNull::No)
    }

    accepts!(UUID);
    to_sql_checked!();
}
