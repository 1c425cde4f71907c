//! How a transaction that changes users comes by the advisory lock that puts commits in order (docs/adr/0002), and whether
//! it had to wait for it. Must not know what is written.

use super::pool::Object;
use super::sql_error::StoreError;
use super::write_sql::{BEGIN, BEGIN_LOCKED, LOCK};
use tokio_postgres::SimpleQueryMessage;

/// A transaction that has begun and holds the lock, and in which nothing has been done yet.
pub(super) struct Opened {
    has_waited: bool,
}

impl Opened {
    /// Whether others held the lock when it was asked for.
    pub(super) fn has_waited(&self) -> bool {
        self.has_waited
    }
}

/// How one batch comes by the lock.
#[derive(Default)]
pub(super) struct Turn {
    /// Taken by the transaction that uses it.
    opened: Option<Opened>,
    has_waited: bool,
}

impl Turn {
    /// That of a transaction that may be open already.
    pub(super) fn of(opened: Option<Opened>) -> Self {
        Self {
            opened,
            has_waited: false,
        }
    }

    /// Whether the transaction is open.
    pub(super) fn is_opened(&self) -> bool {
        self.opened.is_some()
    }

    /// Begins the transaction, unless it is open.
    ///
    /// # Errors
    /// None is open then.
    pub(super) async fn begin(&self, client: &Object) -> Result<(), StoreError> {
        if self.is_opened() {
            return Ok(());
        }
        Ok(client.batch_execute(BEGIN).await?)
    }

    /// Sends what is left to do until the transaction holds the lock; it may have begun without.
    ///
    /// # Errors
    /// The transaction is left to be rolled back.
    pub(super) async fn take_lock(
        &mut self,
        client: &Object,
        has_begun: bool,
    ) -> Result<(), StoreError> {
        if self.is_opened() {
            return Ok(());
        }
        if has_begun {
            return Ok(client.batch_execute(LOCK).await?);
        }
        self.has_waited = begin_locked(client).await?.has_waited;
        Ok(())
    }

    /// Whether others held the lock when this transaction asked for it.
    pub(super) fn has_waited(&self) -> bool {
        self.has_waited
    }
}

/// Begins a transaction and waits for the lock.
///
/// # Errors
/// The transaction is rolled back, or the connection is not to be used any more.
pub(super) async fn open(client: &Object) -> Result<Opened, StoreError> {
    match begin_locked(client).await {
        Err(error) => {
            client.batch_execute("ROLLBACK").await?;
            Err(error)
        }
        opened => opened,
    }
}

async fn begin_locked(client: &Object) -> Result<Opened, StoreError> {
    let messages = client.simple_query(BEGIN_LOCKED).await?;
    let was_free = messages
        .iter()
        .any(|message| matches!(message, SimpleQueryMessage::Row(row) if row.get(0) == Some("t")));
    Ok(Opened {
        has_waited: !was_free,
    })
}
