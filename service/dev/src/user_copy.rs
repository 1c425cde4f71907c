//! Loads users into PostgreSQL with binary `COPY`, the fastest way, for `dev --seed` and for benchmarks.
//!
//! The rows are as the service would have written them: folded keys, and the grams of both
//! (`service/src/store/grams.rs`).

use std::error::Error;
use std::pin::pin;
use std::time::SystemTime;

use bytes::BytesMut;
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
        let grams = Received(grams([&row.name_key, &row.email]));
        writer
            .as_mut()
            .write(&[
                &Received(row.id.to_be_bytes().to_vec()),
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

/// A value in the format of its type's `recv` function.
#[derive(Debug)]
struct Received(Vec<u8>);

impl ToSql for Received {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        out.extend_from_slice(&self.0);
        Ok(IsNull::No)
    }

    accepts!(UUID, TS_VECTOR);
    to_sql_checked!();
}

/// A `tsvector` of every run of three characters of the keys and the last two of each: the count, then each terminated
/// by NUL, without positions.
fn grams(keys: [&str; 2]) -> Vec<u8> {
    let mut grams = Vec::new();
    for key in keys {
        let mut bounds: Vec<_> = key.char_indices().map(|(at, _)| at).collect();
        bounds.push(key.len());
        grams.extend(bounds.windows(4).map(|run| &key[run[0]..run[3]]));
        if let [.., from, _, end] = bounds[..] {
            grams.push(&key[from..end]);
        }
    }
    grams.sort_unstable();
    grams.dedup();
    let mut bytes = u32::try_from(grams.len())
        .unwrap_or_default()
        .to_be_bytes()
        .to_vec();
    for gram in grams {
        bytes.extend_from_slice(gram.as_bytes());
        bytes.extend_from_slice(&[0, 0, 0]);
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::grams;

    #[test]
    fn every_run_of_three_characters_and_the_last_two_are_indexed() {
        assert_eq!(
            grams(["adam", "é@b"]),
            b"\0\0\0\x05@b\0\0\0ada\0\0\0am\0\0\0dam\0\0\0\xc3\xa9@b\0\0\0"
        );
        assert_eq!(grams(["x", ""]), b"\0\0\0\0");
    }
}
