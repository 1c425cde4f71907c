//! How a transaction that changes users comes by the advisory lock that puts commits in order (docs/adr/0002), and whether
//! it had to wait for it. Must not know what is written.

use super::pool::Object;
use super::sql_error::StoreError;
use super::write_sql::{BEGIN, BEGIN_LOCKED, LOCK};
use tokio_postgres::SimpleQueryMessage;

/// How one transaction comes by the lock; at first it has not begun.
#[derive(Default)]
pub(super) struct Turn {
    is_opened: bool,
    has_waited: bool,
}

impl Turn {
    /// Begins a transaction and waits for the lock: nothing has been done in it yet.
    ///
    /// # Errors
    /// The transaction is rolled back, or the connection is not to be used any more.
    pub(super) async fn open(client: &Object) -> Result<Self, StoreError> {
        match begin_locked(client).await {
            Err(error) => {
                client.batch_execute("ROLLBACK").await?;
                Err(error)
            }
            Ok(has_waited) => Ok(Self {
                is_opened: true,
                has_waited,
            }),
        }
    }

    /// Whether it was opened before its writes were gathered.
    pub(super) fn is_opened(&self) -> bool {
        self.is_opened
    }

    /// Begins the transaction, unless it is open.
    ///
    /// # Errors
    /// None is open then.
    pub(super) async fn begin(&self, client: &Object) -> Result<(), StoreError> {
        if self.is_opened {
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
        if self.is_opened {
            return Ok(());
        }
        if has_begun {
            return Ok(client.batch_execute(LOCK).await?);
        }
        self.has_waited = begin_locked(client).await?;
        Ok(())
    }

    /// Whether others held the lock when this transaction asked for it.
    pub(super) fn has_waited(&self) -> bool {
        self.has_waited
    }
}

/// Begins a transaction and takes the lock; whether others held it.
async fn begin_locked(client: &Object) -> Result<bool, StoreError> {
    let messages = client.simple_query(BEGIN_LOCKED).await?;
    let was_free = messages
        .iter()
        .any(|message| matches!(message, SimpleQueryMessage::Row(row) if row.get(0) == Some("t")));
    Ok(!was_free)
}
