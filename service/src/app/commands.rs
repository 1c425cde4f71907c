//! What the commands on clients have in common: why one fails, the database, the time and chance.

use super::{StartError, pool_settings};
use crate::config::DatabaseArgs;
use crate::domain::{DirectoryError, Timestamp};
use crate::store::PgClientStore;
use std::fmt::Write as _;
use std::time::SystemTime;

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// A setting or the database cannot be used.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The database failed.
    #[error("database error: {}", with_causes(.0))]
    Store(#[from] DirectoryError),
    /// The request cannot be fulfilled.
    #[error("{0}")]
    Refused(String),
}

/// The clients in a database whose schema fits.
pub(super) async fn store_of(database: &DatabaseArgs) -> Result<PgClientStore, CommandError> {
    let settings = pool_settings(database, None).map_err(StartError::from)?;
    let store = PgClientStore::new(&settings).map_err(StartError::from)?;
    store.check_schema().await.map_err(StartError::from)?;
    Ok(store)
}

pub(super) fn random<const N: usize>() -> Result<[u8; N], CommandError> {
    let mut bytes = [0; N];
    let filled = aws_lc_rs::rand::fill(&mut bytes);
    filled.map_err(|_| CommandError::Refused("the system provides no random numbers".into()))?;
    Ok(bytes)
}

pub(super) fn now() -> Timestamp {
    SystemTime::now().into()
}

/// The display name that an argument gives.
pub(super) fn display_name(raw: &str) -> Result<String, CommandError> {
    let name = raw.trim();
    if !(1..=100).contains(&name.chars().count()) || name.chars().any(char::is_control) {
        let why = "--name must be 1 to 100 characters without control characters";
        return Err(CommandError::Refused(why.into()));
    }
    Ok(name.to_owned())
}

/// An instant as it is printed in JSON.
pub(super) fn rfc3339(at: Timestamp) -> String {
    String::from_utf8_lossy(&at.rfc3339()).into_owned()
}

/// An instant as a list for people has it, to the second; `-` for none.
pub(super) fn seconds(at: Option<Timestamp>) -> String {
    at.map_or_else(|| "-".to_owned(), |at| rfc3339(at)[..19].to_owned() + "Z")
}

fn with_causes(error: &DirectoryError) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        let _ = write!(text, ": {error}");
        cause = error.source();
    }
    text
}
