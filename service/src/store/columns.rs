//! The columns of a user, once. SELECT lists, the array parameters of the writes and the row readers all come from
//! `profile_columns!`: a field that the domain gains is added there, and the store compiles again.
//!
//! Must not know which statements there are.

use super::sql_error::StoreError;
use crate::domain::{
    Actor, EmailAddress, Label, PersonName, PhoneNumber, Profile, Timestamp, User, UserId,
    UserStatus, Version, fold::fold,
};
use bytes::{BufMut, BytesMut};
use search_grams::{Grams, index_grams};
use std::error::Error;
use std::fmt::Write as _;
use std::sync::LazyLock;
use tokio_postgres::Row;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, accepts, to_sql_checked};
use uuid::Uuid;

/// How a field of a profile is kept in its column.
pub(super) trait Column: Sized {
    /// The value as the driver sends and receives it.
    type Value<'a>
    where
        Self: 'a;
    /// The column's type in SQL.
    const SQL_TYPE: &'static str;
    /// What is stored.
    fn value(&self) -> Self::Value<'_>;
    /// The field back from what was stored.
    fn from_value(value: Self::Value<'_>) -> Result<Self, StoreError>;
}

impl<T: Column> Column for Option<T> {
    type Value<'a>
        = Option<T::Value<'a>>
    where
        T: 'a;
    const SQL_TYPE: &'static str = T::SQL_TYPE;

    fn value(&self) -> Self::Value<'_> {
        self.as_ref().map(T::value)
    }

    #[inline]
    fn from_value(value: Self::Value<'_>) -> Result<Self, StoreError> {
        match value {
            Some(value) => Ok(Some(T::from_value(value)?)),
            None => Ok(None),
        }
    }
}

/// Implements [`Column`] for types that are stored as their text.
macro_rules! text_columns {
    ($($kind:ty: $read:expr),+ $(,)?) => {$(
        impl Column for $kind {
            type Value<'a> = &'a str;
            const SQL_TYPE: &'static str = "text";

            fn value(&self) -> &str {
                self.as_str()
            }

            #[inline]
            fn from_value(text: &str) -> Result<Self, StoreError> {
                // Called as the closure that it is: through a function pointer, none of them is inlined.
                ($read)(text)
            }
        }
    )+};
}

text_columns! {
    EmailAddress: |text| Ok(Self::from_stored(text)),
    PersonName: |text| Ok(Self::from_stored(text)),
    Label: |text| Ok(Self::from_stored(text)),
    PhoneNumber: |text| Ok(Self::from_stored(text)),
    UserStatus: |text| {
        Self::parse(text).ok_or_else(|| StoreError::Row(format!("unknown status {text:?}")))
    },
}

/// Makes everything that depends on which fields a profile has.
macro_rules! profile_columns {
    ($($field:ident: $kind:ty),+ $(,)?) => {
        /// The columns of a profile and their types, in the order of every statement.
        const PROFILE: &[(&str, &str)] = &[$((stringify!($field), <$kind as Column>::SQL_TYPE)),+];

        /// The profiles of several users, one array for each column.
        #[derive(Default)]
        struct ProfileArrays<'a> {
            $($field: Vec<<$kind as Column>::Value<'a>>),+
        }

        impl<'a> ProfileArrays<'a> {
            fn push(&mut self, profile: &'a Profile) {
                $(self.$field.push(profile.$field.value());)+
            }

            fn parameters(&self) -> [&(dyn ToSql + Sync); PROFILE.len()] {
                [$(&self.$field),+]
            }
        }

        impl RowReader<'_> {
            /// Reads a profile.
            pub(super) fn profile(&mut self) -> Result<Profile, StoreError> {
                Ok(Profile {
                    $($field: <$kind as Column>::from_value(self.read()?)?),+
                })
            }
        }
    };
}

profile_columns! {
    email: EmailAddress,
    name: PersonName,
    phone: Option<PhoneNumber>,
    title: Option<Label>,
    department: Option<Label>,
    status: UserStatus,
}

/// What is made of a profile as it is written: the keys of uniqueness and of sorting, and the index of searches.
const DERIVED: &[(&str, &str)] = &[
    ("email_key", "text"),
    ("name_key", "text"),
    ("search_grams", "tsvector"),
];

/// The columns that [`RowReader::user`] reads, in its order.
pub(super) static USER_COLUMNS: LazyLock<String> =
    LazyLock::new(|| format!("id, row_version, created_at, updated_at, {}", profile("")));

/// The columns of a profile, each after `prefix`: `i.email, i.name, …`.
pub(super) fn profile(prefix: &str) -> String {
    list(PROFILE, |out, name| write!(out, "{prefix}{name}"))
}

/// A NULL for each column of a profile.
pub(super) static NO_PROFILE: LazyLock<String> =
    LazyLock::new(|| list(PROFILE, |out, _| write!(out, "NULL")));

/// The columns of a profile and what is derived from it, each after `prefix`.
pub(super) fn written(prefix: &str) -> String {
    format!(
        "{}, {}",
        profile(prefix),
        list(DERIVED, |out, name| write!(out, "{prefix}{name}"))
    )
}

/// Assigns a profile and its keys, but not the index of searches, from columns after `prefix`: `email = i.email, …`.
pub(super) fn assignments(prefix: &str) -> String {
    let keys = DERIVED.iter().filter(|(name, _)| *name != SEARCH_INDEX);
    list(PROFILE.iter().chain(keys), |out, name| {
        write!(out, "{name} = {prefix}{name}")
    })
}

/// The one derived column whose value is large, so that it is written only when it changes.
const SEARCH_INDEX: &str = "search_grams";

fn list<'a>(
    columns: impl IntoIterator<Item = &'a (&'a str, &'a str)>,
    item: impl Fn(&mut String, &str) -> std::fmt::Result,
) -> String {
    let mut out = String::new();
    for (name, _) in columns {
        if !out.is_empty() {
            out.push_str(", ");
        }
        // Writing into a string cannot fail.
        let _ = item(&mut out, name);
    }
    out
}

/// A relation made of array parameters, one row for each write: `unnest($1::uuid[], …) WITH ORDINALITY AS i (id, …, ordinal)`.
pub(super) fn input(columns: &[&[(&str, &str)]]) -> String {
    let (mut arrays, mut names) = (String::new(), String::new());
    for (at, (name, sql_type)) in columns.concat().into_iter().enumerate() {
        let separator = if at == 0 { "" } else { ", " };
        let number = at + 1;
        let _ = write!(arrays, "{separator}${number}::{sql_type}[]");
        let _ = write!(names, "{separator}{name}");
    }
    format!("unnest({arrays}) WITH ORDINALITY AS i ({names}, ordinal)")
}

/// The columns of [`UserArrays::parameters`].
pub(super) fn user_input() -> Vec<(&'static str, &'static str)> {
    let stamp = [("id", "uuid"), ("at", "timestamptz"), ("actor", "text")];
    [&stamp, PROFILE].concat()
}

/// The columns of [`UserArrays::parameters_with_derived`].
pub(super) fn user_input_with_derived() -> Vec<(&'static str, &'static str)> {
    [&user_input(), DERIVED].concat()
}

/// Several users to be written, one array for each column.
#[derive(Default)]
pub(super) struct UserArrays<'a> {
    ids: Vec<Uuid>,
    times: Vec<Micros>,
    actors: Vec<Option<&'a str>>,
    profiles: ProfileArrays<'a>,
    email_keys: Vec<String>,
    name_keys: Vec<String>,
    grams: Vec<Grams>,
}

impl<'a> UserArrays<'a> {
    pub(super) fn push(
        &mut self,
        id: UserId,
        profile: &'a Profile,
        at: Timestamp,
        actor: Option<&'a Actor>,
    ) {
        let email_key = profile.email.key();
        let name_key = fold(profile.name.as_str());
        self.ids.push(id.0);
        self.times.push(Micros::from(at));
        self.actors.push(actor.map(Actor::as_str));
        self.profiles.push(profile);
        self.grams.push(index_grams([&name_key, &email_key]));
        self.email_keys.push(email_key);
        self.name_keys.push(name_key);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// The parameters of a statement over [`user_input`].
    pub(super) fn parameters(&self) -> Vec<&(dyn ToSql + Sync)> {
        let mut parameters: Vec<&(dyn ToSql + Sync)> = Vec::with_capacity(16);
        parameters.extend([&self.ids as &(dyn ToSql + Sync), &self.times, &self.actors]);
        parameters.extend(self.profiles.parameters());
        parameters
    }

    /// The parameters of a statement over [`user_input_with_derived`].
    pub(super) fn parameters_with_derived(&self) -> Vec<&(dyn ToSql + Sync)> {
        let mut parameters = self.parameters();
        parameters.extend([
            &self.email_keys as &(dyn ToSql + Sync),
            &self.name_keys,
            &self.grams,
        ]);
        parameters
    }
}

/// Reads the columns of a row one after the other, in the order in which its statement selects them.
pub(super) struct RowReader<'r> {
    row: &'r Row,
    next: usize,
}

#[allow(
    clippy::inline_always,
    reason = "once for each column of each row of a page: out of line, a page of 50 takes 4,000 instructions more"
)]
impl<'r> RowReader<'r> {
    pub(super) fn new(row: &'r Row) -> Self {
        Self::behind(0, row)
    }

    /// Leaves out the first `columns`.
    pub(super) fn behind(columns: usize, row: &'r Row) -> Self {
        Self { row, next: columns }
    }

    /// Reads the next column.
    #[inline(always)]
    pub(super) fn read<T: FromSql<'r>>(&mut self) -> Result<T, StoreError> {
        let value = self.row.try_get(self.next)?;
        self.next += 1;
        Ok(value)
    }

    /// Reads an instant.
    #[inline(always)]
    pub(super) fn time(&mut self) -> Result<Timestamp, StoreError> {
        Ok(self.read::<Micros>()?.into())
    }

    /// Reads a user from [`USER_COLUMNS`].
    pub(super) fn user(&mut self) -> Result<User, StoreError> {
        Ok(User {
            id: UserId(self.read()?),
            version: Version(self.read()?),
            created_at: self.time()?,
            updated_at: self.time()?,
            profile: self.profile()?,
        })
    }
}

/// An instant as the server sends and receives it: microseconds since the year 2000. Conversion through `SystemTime` takes longer.
#[derive(Debug)]
pub(super) struct Micros(i64);

/// 2000-01-01 in microseconds since the Unix epoch.
const YEAR_2000: i64 = 946_684_800_000_000;

// Both saturate: PostgreSQL has an infinite past and future.

impl From<Micros> for Timestamp {
    fn from(Micros(since_2000): Micros) -> Self {
        Self::from_unix_micros(since_2000.saturating_add(YEAR_2000))
    }
}

impl From<Timestamp> for Micros {
    fn from(at: Timestamp) -> Self {
        Self(at.unix_micros().saturating_sub(YEAR_2000))
    }
}

impl<'a> FromSql<'a> for Micros {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Self(i64::from_be_bytes(raw.try_into()?)))
    }

    accepts!(TIMESTAMPTZ);
}

impl ToSql for Micros {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        out.put_i64(self.0);
        Ok(IsNull::No)
    }

    accepts!(TIMESTAMPTZ);
    to_sql_checked!();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_list_of_columns_is_in_one_order() {
        assert_eq!(
            *USER_COLUMNS,
            "id, row_version, created_at, updated_at, email, name, phone, title, department, status"
        );
        assert!(profile("i.").starts_with("i.email, i.name, "));
        assert!(written("").ends_with("status, email_key, name_key, search_grams"));
        assert!(assignments("i.").ends_with("email_key = i.email_key, name_key = i.name_key"));
        assert_eq!(
            input(&[&[("id", "uuid")], &[("at", "timestamptz")]]),
            "unnest($1::uuid[], $2::timestamptz[]) WITH ORDINALITY AS i (id, at, ordinal)"
        );
    }

    #[test]
    fn parameters_are_as_many_as_their_columns() {
        let users = UserArrays::default();
        assert_eq!(users.parameters().len(), user_input().len());
        let with_derived = user_input_with_derived();
        assert_eq!(users.parameters_with_derived().len(), with_derived.len());
    }
}
