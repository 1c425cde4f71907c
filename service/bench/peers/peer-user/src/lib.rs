//! The user that the peers in Rust read and write: the same JSON, the same statements, the same keys for the indexes.

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize, Serializer};
use tokio_postgres::Row;
use tokio_postgres::types::{FromSql, ToSql};
use uuid::Uuid;

/// The user with an id: `$1`.
pub const SELECT: &str = "SELECT id, email, name, phone, title, department, status, created_at, updated_at \
    FROM users WHERE id = $1";
/// The first `$1` users.
pub const LIST: &str = "SELECT id, email, name, phone, title, department, status, created_at, updated_at \
    FROM users ORDER BY created_at, id LIMIT $1";
/// A new user.
pub const INSERT: &str = "INSERT INTO users (id, email, email_key, name, name_key, phone, title, department, status, \
    search_grams, row_version, created_at, updated_at) \
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, array_to_tsvector($10), 1, now(), now()) \
    RETURNING id, email, name, phone, title, department, status, created_at, updated_at";
/// The user with an id, replaced.
pub const UPDATE: &str = "UPDATE users SET email = $2, email_key = $3, name = $4, name_key = $5, phone = $6, \
    title = $7, department = $8, status = $9, search_grams = array_to_tsvector($10), \
    row_version = row_version + 1, updated_at = now() WHERE id = $1 \
    RETURNING id, email, name, phone, title, department, status, created_at, updated_at";

/// A user in a response; `User<&str>` borrows its texts from the row.
#[derive(Serialize)]
pub struct User<Text = String> {
    pub id: Uuid,
    pub email: Text,
    pub name: Text,
    pub phone: Option<Text>,
    pub title: Option<Text>,
    pub department: Option<Text>,
    pub status: Text,
    #[serde(serialize_with = "microseconds")]
    pub created_at: DateTime<Utc>,
    #[serde(serialize_with = "microseconds")]
    pub updated_at: DateTime<Utc>,
}

/// A page of users in a response.
#[derive(Serialize)]
pub struct Page<Text = String> {
    pub items: Vec<User<Text>>,
}

/// A user in a request.
#[derive(Deserialize)]
pub struct Profile {
    pub email: String,
    pub name: String,
    pub phone: Option<String>,
    pub title: Option<String>,
    pub department: Option<String>,
    #[serde(default = "active")]
    pub status: String,
}

#[derive(Deserialize)]
pub struct PageQuery {
    #[serde(default = "fifty")]
    pub limit: i64,
}

/// A row of any client that decodes columns with postgres-types.
pub trait Columns {
    fn column<'a, T: FromSql<'a>>(&'a self, index: usize) -> T;
}

impl Columns for Row {
    fn column<'a, T: FromSql<'a>>(&'a self, index: usize) -> T {
        self.get(index)
    }
}

impl<Text> User<Text> {
    /// Reads the columns in the order of the statements above.
    pub fn from_row<'a>(row: &'a impl Columns) -> Self
    where
        Text: FromSql<'a>,
    {
        Self {
            id: row.column(0),
            email: row.column(1),
            name: row.column(2),
            phone: row.column(3),
            title: row.column(4),
            department: row.column(5),
            status: row.column(6),
            created_at: row.column(7),
            updated_at: row.column(8),
        }
    }
}

/// What `INSERT` and `UPDATE` write: a profile under an id, with its keys for the indexes.
pub struct Change<'a> {
    id: Uuid,
    profile: &'a Profile,
    email_key: String,
    name_key: String,
    grams: Vec<String>,
}

impl<'a> Change<'a> {
    pub fn new(id: Uuid, profile: &'a Profile) -> Self {
        let (email_key, name_key) = (profile.email_key(), profile.name_key());
        Self {
            id,
            profile,
            grams: grams(&name_key, &email_key),
            email_key,
            name_key,
        }
    }

    /// The parameters `$1` to `$10`.
    pub fn parameters(&self) -> [&(dyn ToSql + Sync); 10] {
        let profile = self.profile;
        [
            &self.id,
            &profile.email,
            &self.email_key,
            &profile.name,
            &self.name_key,
            &profile.phone,
            &profile.title,
            &profile.department,
            &profile.status,
            &self.grams,
        ]
    }
}

impl PageQuery {
    /// The query string of a request, for frameworks without an extractor; `None` if a limit is not a number.
    pub fn parse(query: Option<&str>) -> Option<Self> {
        let mut pairs = query.unwrap_or_default().split('&');
        let limit = match pairs.find_map(|pair| pair.strip_prefix("limit=")) {
            Some(limit) => limit.parse().ok()?,
            None => fifty(),
        };
        Some(Self { limit })
    }
}

/// What is at a path, for frameworks without a router.
pub enum Route {
    Users,
    User(Uuid),
}

impl Route {
    pub fn of(path: &str) -> Option<Self> {
        match path.strip_prefix("/v1/users")? {
            "" => Some(Self::Users),
            rest => Uuid::try_parse(rest.strip_prefix('/')?)
                .ok()
                .map(Self::User),
        }
    }
}

impl Profile {
    /// The least validation that a benchmark can do with.
    pub fn is_valid(&self) -> bool {
        self.email.contains('@') && !self.name.trim().is_empty()
    }

    /// The key by which e-mail addresses are compared.
    pub fn email_key(&self) -> String {
        self.email.to_lowercase()
    }

    /// The key by which names are sorted.
    pub fn name_key(&self) -> String {
        self.name.to_lowercase()
    }
}

/// The search index entries of a user: every run of three characters, and the last two characters.
pub fn grams(name_key: &str, email_key: &str) -> Vec<String> {
    let mut grams = Vec::with_capacity(name_key.len() + email_key.len());
    for key in [name_key, email_key] {
        let chars: Vec<char> = key.chars().collect();
        grams.extend(chars.windows(3).map(|run| run.iter().collect::<String>()));
        grams.push(chars[chars.len().saturating_sub(2)..].iter().collect());
    }
    grams
}

fn active() -> String {
    "active".to_owned()
}

fn fifty() -> i64 {
    50
}

fn microseconds<S: Serializer>(time: &DateTime<Utc>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&time.to_rfc3339_opts(SecondsFormat::Micros, true))
}
