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

fn with_causes(error: &DirectoryError) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        let _ = write!(text, ": {error}");
        cause = error.source();
    }
    text
}
