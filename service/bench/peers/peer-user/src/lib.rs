//! The user that the peers in Rust read and write: the same JSON, the same statements, the same keys for the indexes.

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize, Serializer};
use tokio_postgres::Row;
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

/// A user in a response.
#[derive(Serialize)]
pub struct User {
    pub id: Uuid,
    pub email: String,
    pub name: String,
    pub phone: Option<String>,
    pub title: Option<String>,
    pub department: Option<String>,
    pub status: String,
    #[serde(serialize_with = "microseconds")]
    pub created_at: DateTime<Utc>,
    #[serde(serialize_with = "microseconds")]
    pub updated_at: DateTime<Utc>,
}

/// A page of users in a response.
#[derive(Serialize)]
pub struct Page {
    pub items: Vec<User>,
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

impl User {
    /// Reads the columns in the order of the statements above.
    pub fn from_row(row: &Row) -> Self {
        Self {
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
