//! Why no server took a connection, server by server.

use super::without_values::WithoutValues;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio_postgres::error::SqlState;

/// Why no server took a connection.
#[derive(Clone, Debug)]
pub struct ConnectError(Vec<(String, Refusal)>);

/// Why one server did not.
#[derive(Clone, Debug)]
pub(super) enum Refusal {
    Lookup(Arc<io::Error>),
    Silent(Duration),
    Postgres(Arc<tokio_postgres::Error>),
    Standby,
    ReadOnly,
}

impl ConnectError {
    /// What each server answered, in the order in which they were asked.
    pub(super) fn new(refusals: Vec<(String, Refusal)>) -> Self {
        Self(refusals)
    }

    /// Whether a server has no connection left to give.
    pub(super) fn is_too_many_connections(&self) -> bool {
        self.any(|code| *code == SqlState::TOO_MANY_CONNECTIONS)
    }

    /// Whether the role may not use the database.
    pub(super) fn is_permission_denied(&self) -> bool {
        self.any(|code| *code == SqlState::INSUFFICIENT_PRIVILEGE)
    }

    /// Whether servers answered, but none of them takes writes.
    pub(super) fn is_without_primary(&self) -> bool {
        let refuses_writes =
            |refusal: &Refusal| matches!(refusal, Refusal::Standby | Refusal::ReadOnly);
        self.0.iter().any(|(_, refusal)| refuses_writes(refusal))
    }

    fn any(&self, holds: impl Fn(&SqlState) -> bool) -> bool {
        self.0.iter().any(|(_, refusal)| match refusal {
            Refusal::Postgres(error) => error.code().is_some_and(&holds),
            _ => false,
        })
    }
}

impl std::error::Error for ConnectError {}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, (server, refusal)) in self.0.iter().enumerate() {
            let separator = if at > 0 { "; " } else { "" };
            write!(f, "{separator}{server}: {refusal}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lookup(error) => write!(f, "the name cannot be resolved: {error}"),
            Self::Silent(limit) => write!(f, "no answer within {} ms", limit.as_millis()),
            Self::Postgres(error) => write!(f, "{}", WithoutValues(error)),
            Self::Standby => f.write_str("is a standby, where reads would be stale"),
            Self::ReadOnly => f.write_str("is read-only, and target_session_attrs=read-write"),
        }
    }
}
