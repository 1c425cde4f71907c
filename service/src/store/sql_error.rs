//! What can go wrong between the service and `PostgreSQL`, and what it means to the directory.

use crate::domain::{DirectoryError, Unavailable};
use deadpool_postgres::{PoolError, TimeoutType};
use std::fmt;
use std::sync::Arc;
use tokio_postgres::error::SqlState;

/// A failure of the store.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    /// `PostgreSQL` refused a statement, or the connection broke.
    #[error("PostgreSQL: {}", WithoutValues(.0))]
    Postgres(Arc<tokio_postgres::Error>),
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
    /// A row holds what the domain does not know.
    #[error("a row cannot be read: {0}")]
    Row(String),
}

/// What `PostgreSQL` said, but for its DETAIL, which quotes the values of the row: it is fit for a log.
struct WithoutValues<'a>(&'a tokio_postgres::Error);

impl fmt::Display for WithoutValues<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(error) = self.0.as_db_error() else {
            write!(f, "{}", self.0)?;
            let mut source = std::error::Error::source(self.0);
            while let Some(error) = source {
                write!(f, ": {error}")?;
                source = error.source();
            }
            return Ok(());
        };
        write!(f, "{} {}", error.severity(), error.code().code())?;
        // The messages of class 22 (data exceptions) quote values too.
        if !error.code().code().starts_with("22") {
            write!(f, ": {}", error.message())?;
        }
        for (what, name) in [
            ("table", error.table()),
            ("column", error.column()),
            ("constraint", error.constraint()),
        ] {
            if let Some(name) = name {
                write!(f, ", {what} {name}")?;
            }
        }
        Ok(())
    }
}

impl StoreError {
    /// Whether the same statement may succeed on another connection.
    pub fn is_connection_loss(&self) -> bool {
        match self {
            Self::ConnectionLost => true,
            Self::Postgres(error) => error.is_closed() || error.code().is_none_or(is_shutdown),
            _ => false,
        }
    }

    /// Whether the row is locked by somebody else for longer than the limit.
    pub fn is_lock_timeout(&self) -> bool {
        matches!(self, Self::Postgres(error) if error.code() == Some(&SqlState::LOCK_NOT_AVAILABLE))
    }

    /// Whether the unique constraint `name` was violated.
    pub fn violates(&self, name: &str) -> bool {
        matches!(self, Self::Postgres(error) if error.as_db_error().is_some_and(|e| e.constraint() == Some(name)))
    }

    fn unavailable(&self) -> Option<Unavailable> {
        match self {
            Self::PoolExhausted { .. } => Some(Unavailable::Exhausted),
            Self::TimedOut => Some(Unavailable::Slow),
            _ if self.is_connection_loss() => Some(Unavailable::Unreachable),
            Self::Postgres(error) => match error.code() {
                Some(code)
                    if *code == SqlState::QUERY_CANCELED
                        || *code == SqlState::LOCK_NOT_AVAILABLE =>
                {
                    Some(Unavailable::Slow)
                }
                Some(code) if *code == SqlState::TOO_MANY_CONNECTIONS => {
                    Some(Unavailable::Exhausted)
                }
                // Classes 53 (insufficient resources), 57 (operator intervention) and 25006 (a standby): away for a while.
                Some(code) if code.code().starts_with("53") || code.code().starts_with("57") => {
                    Some(Unavailable::Unreachable)
                }
                Some(code) if *code == SqlState::READ_ONLY_SQL_TRANSACTION => {
                    Some(Unavailable::Unreachable)
                }
                _ => None,
            },
            _ => None,
        }
    }
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

impl From<tokio_postgres::Error> for StoreError {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Postgres(Arc::new(error))
    }
}

impl From<PoolError> for StoreError {
    fn from(error: PoolError) -> Self {
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
        match error.unavailable() {
            Some(reason) => Self::Unavailable {
                reason,
                source: Some(Box::new(error)),
            },
            None => Self::Internal(Box::new(error)),
        }
    }
}
