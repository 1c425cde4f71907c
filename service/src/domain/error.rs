//! Why an operation on the directory did not do what was asked.

use std::error::Error;

/// The reason, in the directory's own terms.
#[derive(Debug, thiserror::Error)]
pub enum DirectoryError {
    /// There is no user with this id.
    #[error("no user has this id")]
    UserNotFound,
    /// Another user has this address.
    #[error("another user has this e-mail address")]
    EmailTaken,
    /// Another user had this address when an earlier request with the same idempotency key was made.
    #[error("another user had this e-mail address when the request was first made")]
    EmailTakenBefore,
    /// Another user has this SCIM user name.
    #[error("another user has this user name")]
    UserNameTaken,
    /// The client calls another user so.
    #[error("the client has another user with this external id")]
    ExternalIdTaken,
    /// The user is not as the client's condition wants it.
    #[error("the user is not at the version that the condition names")]
    ConditionFailed,
    /// The idempotency key was used for another request.
    #[error("the idempotency key was used for another request")]
    IdempotencyKeyReused,
    /// The first request with this idempotency key is still running.
    #[error("the first request with this idempotency key is still running")]
    IdempotencyInProgress,
    /// The feed does not have the change at this position, or no longer has those behind it.
    #[error("the change feed no longer reaches back to this position, or never had it")]
    PositionExpired,
    /// The list was begun in another history of the database.
    #[error("the list was begun in another history of the database")]
    CursorExpired,
    /// The store cannot be used for the time being.
    #[error("the store is unavailable: {reason}")]
    Unavailable {
        /// What kind of trouble it is.
        reason: Unavailable,
        /// What the store said.
        #[source]
        source: Option<Box<dyn Error + Send + Sync>>,
    },
    /// The store failed in a way that it never should.
    #[error("the store failed")]
    Internal(#[source] Box<dyn Error + Send + Sync>),
}

/// Why the store cannot be used for the time being.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unavailable {
    /// It cannot be reached, or the connection broke.
    #[error("it cannot be reached")]
    Unreachable,
    /// No connection was free in time.
    #[error("no connection was free in time")]
    Exhausted,
    /// It did not answer in time.
    #[error("it did not answer in time")]
    Slow,
    /// It answers reads and refuses writes.
    #[error("it takes no writes for the time being")]
    ReadOnly,
    /// Only servers answer that take no writes, where reads would be stale.
    #[error("no primary answers")]
    NoPrimary,
    /// The role may not do what it has to, or finds other tables.
    #[error("its role or search path does not fit")]
    Misconfigured,
}
