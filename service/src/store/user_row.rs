//! A user as a row: the columns in one order for every statement, and the way back into the domain.

use super::sql_error::StoreError;
use crate::domain::{
    EmailAddress, Label, PersonName, PhoneNumber, Profile, Timestamp, User, UserId, UserStatus,
    Version,
};
use std::error::Error;
use tokio_postgres::Row;
use tokio_postgres::types::{FromSql, Type, accepts};

/// The columns that [`read_user`] reads, in its order.
pub(super) const USER_COLUMNS: &str =
    "id, email, name, phone, title, department, status, row_version, created_at, updated_at";

/// Reads a user from a row that starts with [`USER_COLUMNS`] at the column `first`.
pub(super) fn read_user(row: &Row, first: usize) -> Result<User, StoreError> {
    Ok(User {
        id: UserId(row.try_get(first)?),
        profile: read_profile(row, first + 1)?,
        version: Version(row.try_get(first + 7)?),
        created_at: read_time(row, first + 8)?,
        updated_at: read_time(row, first + 9)?,
    })
}

/// Reads `email, name, phone, title, department, status` from the column `first` on.
pub(super) fn read_profile(row: &Row, first: usize) -> Result<Profile, StoreError> {
    let label = |column| {
        row.try_get::<_, Option<&str>>(column)
            .map(|text| text.map(Label::from_stored))
    };
    let status: &str = row.try_get(first + 5)?;
    Ok(Profile {
        email: EmailAddress::from_stored(row.try_get(first)?),
        name: PersonName::from_stored(row.try_get(first + 1)?),
        phone: row
            .try_get::<_, Option<&str>>(first + 2)?
            .map(PhoneNumber::from_stored),
        title: label(first + 3)?,
        department: label(first + 4)?,
        status: UserStatus::parse(status)
            .ok_or_else(|| StoreError::Row(format!("unknown status {status:?}")))?,
    })
}

/// An instant as the server sends it: microseconds since the year 2000. The way by `SystemTime` and back is longer.
struct Micros(i64);

/// 2000-01-01 in microseconds since the Unix epoch.
const YEAR_2000: i64 = 946_684_800_000_000;

impl<'a> FromSql<'a> for Micros {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Self(i64::from_be_bytes(raw.try_into()?)))
    }

    accepts!(TIMESTAMPTZ);
}

/// Reads an instant.
pub(super) fn read_time(row: &Row, column: usize) -> Result<Timestamp, StoreError> {
    let Micros(since_2000) = row.try_get(column)?;
    // Saturating: PostgreSQL has an infinite past and future.
    Ok(Timestamp::from_unix_micros(
        since_2000.saturating_add(YEAR_2000),
    ))
}
