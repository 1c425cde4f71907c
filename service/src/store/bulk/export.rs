//! A snapshot of the users and its place in the change feed, read on a connection of its own.
//!
//! Both come from one snapshot: positions are given out under the lock that is held until the commit (docs/adr/0002), so a
//! snapshot that has the change at a position has every change before it, and the feed behind it has all the others.
//!
//! One statement returns all rows. The driver reads no further than its reader does, and the server waits in turn: what is
//! in memory is what the socket holds. A watchdog gives the connection up when the reader stops, or takes too long.

use super::snapshots::{Snapshot, Snapshots};
use crate::domain::{DirectoryError, Export, FeedPosition, Filters, User};
use crate::store::columns::RowReader;
use crate::store::history::{NEWEST, NEWEST_COLUMNS, read_position};
use crate::store::limits::BulkLimits;
use crate::store::lists;
use crate::store::observed::{Observed, Statement};
use crate::store::pool::{self, DiscardUnlessDone, Pool};
use crate::store::sql_error::StoreError;
use futures_util::TryStreamExt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;
use tokio::time::{Instant, sleep_until};
use tokio_postgres::RowStream;
use tokio_postgres::types::ToSql;

/// The most users that are read at a time.
const READ: usize = 128;

/// A snapshot that is being read.
pub struct PgExport {
    rows: Pin<Box<RowStream>>,
    /// Whether all of them were read.
    has_ended: bool,
    position: FeedPosition,
    watched: Arc<Watched>,
    observed: Observed,
}

/// What the watchdog gives up.
struct Watched {
    connection: Mutex<Option<(DiscardUnlessDone, Snapshot)>>,
    last_read: Mutex<Instant>,
}

/// Takes the snapshot.
pub(super) async fn open(
    pool: &Pool,
    snapshots: &Snapshots,
    filters: &Filters,
    limits: BulkLimits,
) -> Result<PgExport, StoreError> {
    let mut is_second = false;
    loop {
        let guard = DiscardUnlessDone::new(pool::get(pool).await?);
        let snapshot = snapshots.hold();
        match begin(&guard, filters, limits, &pool.observed).await {
            Ok((position, rows)) => {
                let watched = Arc::new(Watched {
                    connection: Mutex::new(Some((guard, snapshot))),
                    last_read: Mutex::new(Instant::now()),
                });
                tokio::spawn(watch(Arc::downgrade(&watched), limits));
                return Ok(PgExport {
                    rows: Box::pin(rows),
                    has_ended: false,
                    position,
                    watched,
                    observed: pool.observed.clone(),
                });
            }
            // The connection was broken, or is unfit, since it was used last.
            Err(error) if pool::is_of_session(&error) && !is_second => {
                is_second = true;
                drop(guard);
                pool::discard_idle(pool);
            }
            Err(error) => return Err(error),
        }
    }
}

async fn begin(
    guard: &DiscardUnlessDone,
    filters: &Filters,
    limits: BulkLimits,
    observed: &Observed,
) -> Result<(FeedPosition, RowStream), StoreError> {
    let client = guard.client();
    let timeout = limits.export_timeout.as_millis();
    // Sessions read no whole tables (`session`): here that is what is wanted.
    let begin = format!(
        "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL statement_timeout = {timeout}; \
         SET LOCAL idle_in_transaction_session_timeout = {timeout}; SET LOCAL enable_seqscan = on"
    );
    let newest = format!("SELECT {NEWEST_COLUMNS} FROM user_changes_swept s {NEWEST}");
    let (sql, parameters) = lists::unordered(filters);
    let typed: Vec<_> = parameters
        .iter()
        .map(|(value, of)| (&**value as &(dyn ToSql + Sync), of.clone()))
        .collect();
    let running = observed.begin(Statement::OpenExport);
    let opened = async {
        client.batch_execute(&begin).await?;
        let row = client.query_typed_one(&newest, &[]).await?;
        let position = read_position(&mut RowReader::new(&row))?;
        let rows = client.query_typed_raw(&sql, typed).await?;
        Ok((position, rows))
    };
    running.end(opened.await)
}

/// Gives the connection up at the end of its time, or when nothing was read for too long.
async fn watch(watched: Weak<Watched>, limits: BulkLimits) {
    let end = Instant::now() + limits.export_timeout;
    loop {
        let Some(present) = watched.upgrade() else {
            return;
        };
        let stalled = present.last_read() + limits.stall_timeout;
        let deadline = stalled.min(end);
        if deadline <= Instant::now() {
            tracing::warn!(
                is_stalled = stalled <= end,
                "an export was ended: its client reads too slowly, or it took longer than --export-timeout-ms"
            );
            drop(present.take());
            return;
        }
        drop(present);
        // Looks again soon enough when the export has ended meanwhile: nothing then holds the connection.
        sleep_until(deadline.min(Instant::now() + Duration::from_secs(1))).await;
    }
}

impl Watched {
    fn last_read(&self) -> Instant {
        *self
            .last_read
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn has_read(&self) {
        *self
            .last_read
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    fn take(&self) -> Option<(DiscardUnlessDone, Snapshot)> {
        let mut connection = self
            .connection
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        connection.take()
    }
}

impl PgExport {
    async fn read_some(&mut self, users: &mut Vec<User>) -> Result<(), StoreError> {
        for _ in 0..READ {
            let Some(row) = self.rows.try_next().await? else {
                self.end().await;
                break;
            };
            users.push(RowReader::new(&row).user()?);
        }
        Ok(())
    }

    /// Releases the snapshot; the connection can be used again once its transaction has ended.
    async fn end(&mut self) {
        self.has_ended = true;
        if let Some((guard, snapshot)) = self.watched.take() {
            let ended = guard.client().batch_execute("COMMIT").await;
            drop(snapshot);
            if ended.is_ok() {
                guard.done();
            }
        }
    }
}

impl Export for PgExport {
    fn position(&self) -> FeedPosition {
        self.position
    }

    async fn read(&mut self, users: &mut Vec<User>) -> Result<(), DirectoryError> {
        if self.has_ended {
            return Ok(());
        }
        self.watched.has_read();
        let outcome = self.read_some(users).await;
        self.watched.has_read();
        Ok(outcome.inspect_err(|error| self.observed.failed(error))?)
    }
}
