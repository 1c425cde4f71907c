//! How the store reaches the database: made from the settings. Must not know who serves.

use crate::config::{ConfigError, DATABASE_URL_SETTING, DatabaseArgs, PoolArgs};
use crate::store::{BulkLimits, Limits, PoolSettings};
use crate::store::{DatabaseUrl, DatabaseUrlError};
use std::time::Duration;

/// The connection string with its password.
///
/// # Errors
/// When it is missing, cannot be read, or is not one that Roster takes.
pub fn database_url(args: &DatabaseArgs) -> Result<DatabaseUrl, ConfigError> {
    let raw = args.connection_string()?;
    let invalid = |error: DatabaseUrlError| ConfigError::Invalid {
        setting: DATABASE_URL_SETTING,
        why: error.to_string(),
    };
    let mut url = DatabaseUrl::parse(&raw).map_err(invalid)?;
    if let Some(password) = args.password()? {
        url.set_password(&password);
    }
    if let Some(file) = &args.database_ca_file {
        url.set_ca_file(file).map_err(invalid)?;
    }
    Ok(url)
}

/// The settings of the pool. Commands other than `serve` have no [`PoolArgs`]: a person waits for them, so their limits are
/// longer.
pub fn pool_settings(
    database: &DatabaseArgs,
    pool: Option<&PoolArgs>,
) -> Result<PoolSettings, ConfigError> {
    let ms = Duration::from_millis;
    let limits = Limits {
        size: pool.map_or(4, |pool| usize::from(pool.pool_size)),
        wait_timeout: ms(pool.map_or(10_000, |pool| pool.pool_wait_timeout_ms)),
        connect_timeout: ms(database.connect_timeout_ms),
        statement_timeout: ms(pool.map_or(10_000, |pool| pool.statement_timeout_ms)),
        lock_timeout: ms(pool.map_or(1000, |pool| pool.lock_timeout_ms)),
        idle_timeout: ms(pool.map_or(0, |pool| pool.idle_timeout_ms)),
        store_timeout: ms(pool.map_or(20_000, |pool| pool.database_timeout_ms)),
        max_read_batch: pool.map_or(1, |pool| usize::from(pool.read_batch_limit)),
        max_write_batch: pool.map_or(1, |pool| usize::from(pool.write_batch_limit)),
    };
    Ok(PoolSettings {
        url: database_url(database)?,
        limits,
        bulk: BulkLimits::default(),
    })
}
