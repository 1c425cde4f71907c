//! What can go wrong between the service and `PostgreSQL`, and what it means to the directory.

use super::connect_error::ConnectError;
use super::without_values::WithoutValues;
use crate::domain::{DirectoryError, Unavailable};
use deadpool::managed::{PoolError, TimeoutType};
use std::sync::Arc;
use tokio_postgres::error::{DbError, Severity, SqlState};

/// A failure of the store.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    /// `PostgreSQL` refused a statement, or the connection broke.
    #[error("PostgreSQL: {}", WithoutValues(.0))]
    Postgres(Arc<tokio_postgres::Error>),
    /// No server took a connection.
    #[error("no connection to PostgreSQL: {0}")]
    Connect(Arc<ConnectError>),
    /// No connection was free, or could be made, in time.
    #[error("no connection to PostgreSQL was free in time ({in_use} of {max} in use)")]
    PoolExhausted {
        /// Connections in use when the wait ended.
        in_use: usize,
        /// The most there may be.
        max: usize,
    },
    /// `PostgreSQL` did not answer in time.
    #[error("PostgreSQL did not answer in time")]
    TimedOut,
    /// The connection broke before the answer came.
    #[error("the connection to PostgreSQL broke")]
    ConnectionLost,
    /// TLS to the database cannot be set up.
    #[error("TLS to PostgreSQL cannot be set up: {0}")]
    Tls(String),
    /// Somebody else moved the import on meanwhile.
    #[error("another request continues this import")]
    Overtaken,
    /// A row holds what the domain does not know.
    #[error("a row cannot be read: {0}")]
    Row(String),
}

impl StoreError {
    /// Whether the same statement may succeed on another connection.
    pub fn is_connection_loss(&self) -> bool {
        match self {
            Self::ConnectionLost => true,
            Self::Postgres(error) => {
                error.is_closed()
                    || error.code().is_none_or(is_shutdown)
                    || error.as_db_error().is_some_and(ends_session)
            }
            _ => false,
        }
    }

    /// Whether no server could be asked, or the one that was asked went away.
    pub fn is_unreachable(&self) -> bool {
        matches!(self, Self::Connect(_)) || self.is_connection_loss()
    }

    /// Whether the row is locked by somebody else for longer than the limit.
    pub fn is_lock_timeout(&self) -> bool {
        matches!(self, Self::Postgres(error) if error.code() == Some(&SqlState::LOCK_NOT_AVAILABLE))
    }

    /// Whether the unique constraint `name` was violated.
    pub fn violates(&self, name: &str) -> bool {
        matches!(self, Self::Postgres(error) if error.as_db_error().is_some_and(|e| e.constraint() == Some(name)))
    }

    /// Whether a prepared statement no longer fits the schema, or is gone: prepared again, it works. Nothing was run.
    pub(super) fn is_stale_statement(&self) -> bool {
        let Self::Postgres(error) = self else {
            return false;
        };
        let Some(error) = error.as_db_error() else {
            return false;
        };
        // 0A000 is used for much else; the function that raises it does not depend on the server's language.
        *error.code() == SqlState::INVALID_SQL_STATEMENT_NAME
            || *error.code() == SqlState::FEATURE_NOT_SUPPORTED
                && error.routine() == Some("RevalidateCachedQuery")
    }

    /// Whether the session is not what the service needs, and a new one may be: it is read-only, or has another role or
    /// search path. Nothing was run.
    pub(super) fn is_unfit_session(&self) -> bool {
        let unfit = |code: &SqlState| is_read_only(code) || is_misconfigured(code);
        matches!(self, Self::Postgres(error) if error.code().is_some_and(unfit))
    }

    /// Whether the database takes no writes for the time being.
    pub fn is_read_only(&self) -> bool {
        matches!(self, Self::Postgres(error) if error.code().is_some_and(is_read_only))
    }

    /// Whether the role lacks a privilege.
    pub fn is_permission_denied(&self) -> bool {
        match self {
            Self::Connect(error) => error.is_permission_denied(),
            Self::Postgres(error) => error.code() == Some(&SqlState::INSUFFICIENT_PRIVILEGE),
            _ => false,
        }
    }

    fn unavailable(&self) -> Option<Unavailable> {
        match self {
            Self::PoolExhausted { .. } => Some(Unavailable::Exhausted),
            Self::TimedOut => Some(Unavailable::Slow),
            Self::Connect(error) if error.is_too_many_connections() => Some(Unavailable::Exhausted),
            Self::Connect(error) if error.is_without_primary() => Some(Unavailable::NoPrimary),
            Self::Connect(error) if error.is_permission_denied() => {
                Some(Unavailable::Misconfigured)
            }
            Self::Connect(_) => Some(Unavailable::Unreachable),
            _ if self.is_connection_loss() => Some(Unavailable::Unreachable),
            Self::Postgres(error) => error.code().and_then(unavailable),
            _ => None,
        }
    }
}

/// What a code says about the database; `None` for what only a mistake of the service can cause.
fn unavailable(code: &SqlState) -> Option<Unavailable> {
    if [SqlState::QUERY_CANCELED, SqlState::LOCK_NOT_AVAILABLE].contains(code) {
        return Some(Unavailable::Slow);
    }
    if *code == SqlState::TOO_MANY_CONNECTIONS {
        return Some(Unavailable::Exhausted);
    }
    if is_read_only(code) {
        return Some(Unavailable::ReadOnly);
    }
    if is_misconfigured(code) {
        return Some(Unavailable::Misconfigured);
    }
    // Classes 53 (insufficient resources) and 57 (operator intervention): away for a while.
    let class = code.code().get(..2);
    matches!(class, Some("53" | "57")).then_some(Unavailable::Unreachable)
}

fn is_read_only(code: &SqlState) -> bool {
    *code == SqlState::READ_ONLY_SQL_TRANSACTION
}

/// The role may not do it, or its search path leads to other tables.
fn is_misconfigured(code: &SqlState) -> bool {
    [
        SqlState::INSUFFICIENT_PRIVILEGE,
        SqlState::UNDEFINED_TABLE,
        SqlState::INVALID_SCHEMA_NAME,
    ]
    .contains(code)
}

/// The server is going away or coming up; the statement was not run.
fn is_shutdown(code: &SqlState) -> bool {
    [
        SqlState::ADMIN_SHUTDOWN,
        SqlState::CRASH_SHUTDOWN,
        SqlState::CANNOT_CONNECT_NOW,
    ]
    .contains(code)
        || code.code().starts_with("08")
}

/// The server ends the session with it, as it does after a time-out of an idle one.
fn ends_session(error: &DbError) -> bool {
    matches!(
        error.parsed_severity(),
        Some(Severity::Fatal | Severity::Panic)
    )
}

impl From<tokio_postgres::Error> for StoreError {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Postgres(Arc::new(error))
    }
}

impl From<ConnectError> for StoreError {
    fn from(error: ConnectError) -> Self {
        Self::Connect(Arc::new(error))
    }
}

impl From<PoolError<ConnectError>> for StoreError {
    fn from(error: PoolError<ConnectError>) -> Self {
        match error {
            PoolError::Backend(error) => error.into(),
            PoolError::Timeout(TimeoutType::Create | TimeoutType::Recycle) => Self::TimedOut,
            PoolError::Timeout(TimeoutType::Wait) => Self::PoolExhausted { in_use: 0, max: 0 },
            _ => Self::ConnectionLost,
        }
    }
}

impl From<StoreError> for DirectoryError {
    fn from(error: StoreError) -> Self {
        if matches!(error, StoreError::Overtaken) {
            return Self::IdempotencyInProgress;
        }
        match error.unavailable() {
            Some(reason) => Self::Unavailable {
                reason,
                source: Some(Box::new(error)),
            },
            None => Self::Internal(Box::new(error)),
        }
    }
}
