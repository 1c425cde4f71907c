//! Writes that depend on the user as it is: the row is locked, read and decided on inside of the transaction that changes
//! it, so that no other change comes in between. What a decision is made of, this file does not know.

use super::columns::{RowReader, USER_COLUMNS};
use super::pool::Object;
use super::sql_error::StoreError;
use super::turn::Turn;
use super::work::{Decide, Decision, Mode, Outcomes, Work, WriteOutcome};
use super::write_sql::IS_THERE;
use crate::domain::User;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::LazyLock;
use uuid::Uuid;

/// Locks users and reads them.
pub(super) fn hold(mode: Mode) -> &'static str {
    static SQL: [LazyLock<String>; 2] = [
        LazyLock::new(|| hold_sql(Mode::Batch)),
        LazyLock::new(|| hold_sql(Mode::Single)),
    ];
    &SQL[usize::from(mode == Mode::Single)]
}

fn hold_sql(mode: Mode) -> String {
    let skip = match mode {
        Mode::Batch => "SKIP LOCKED",
        Mode::Single => "",
    };
    let columns = &*USER_COLUMNS;
    format!(
        "
WITH held AS MATERIALIZED (
    SELECT {columns} FROM users WHERE id = ANY($1) ORDER BY id FOR NO KEY UPDATE {skip}
)
SELECT i.id, {IS_THERE}, h.id IS NOT NULL, h.*
FROM unnest($1::uuid[]) AS i (id)
LEFT JOIN held h ON h.id = i.id"
    )
}

/// Begins the transaction, unless `turn` has, locks the rows of `undecided` and decides on each. Returns the writes to be made; the outcomes
/// of the others are added to `outcomes`.
///
/// Where the transaction begins here, the rows are locked before the advisory lock is taken, so that nobody waits for it
/// during this round trip. A batch waits for no row, and a single write holds nothing while it waits for its own.
///
/// # Errors
/// The transaction is left to be rolled back.
pub(super) async fn decide(
    client: &Object,
    undecided: &[&Decide],
    mode: Mode,
    turn: &Turn,
    outcomes: &mut Outcomes,
) -> Result<Vec<Work>, StoreError> {
    let statement = client.prepare_cached(hold(mode)).await?;
    let ids: Vec<Uuid> = undecided.iter().map(|write| write.id.0).collect();
    let parameters: [&(dyn tokio_postgres::types::ToSql + Sync); 1] = [&ids];
    let (begun, rows) = tokio::join!(
        biased;
        turn.begin(client),
        client.query(&statement, &parameters),
    );
    begun?;
    let mut writes = Vec::with_capacity(undecided.len());
    for row in rows? {
        let mut row = RowReader::new(&row);
        let (id, exists, held): (Uuid, bool, bool) = (row.read()?, row.read()?, row.read()?);
        let Some(write) = undecided.iter().find(|write| write.id.0 == id) else {
            continue;
        };
        if held {
            write.apply(&row.user()?, &mut writes, outcomes);
        } else if exists && mode == Mode::Batch {
            outcomes.insert(id, WriteOutcome::NotBatchable);
        } else {
            // A single write waited for the row: it is in the statement's snapshot, but was deleted meanwhile.
            outcomes.insert(id, WriteOutcome::NotFound);
        }
    }
    Ok(writes)
}

impl Decide {
    /// Adds the write that is decided on; its row is locked, so that it expects no version. Where there is none, adds the
    /// outcome.
    fn apply(&self, user: &User, writes: &mut Vec<Work>, outcomes: &mut Outcomes) {
        let (id, stamp) = (self.id, self.stamp.clone());
        let expected = None;
        // A panic belongs to the request that caused it, not to the task that writes for all.
        let outcome = match catch_unwind(AssertUnwindSafe(|| (self.decision)(user))) {
            Ok(Decision::Replace(profile)) => {
                writes.push(Work::Replace {
                    id,
                    profile,
                    expected,
                    stamp,
                });
                return;
            }
            Ok(Decision::Delete) => {
                writes.push(Work::Delete {
                    id,
                    expected,
                    stamp,
                });
                return;
            }
            Ok(Decision::Refuse) => WriteOutcome::Refused,
            Err(payload) => WriteOutcome::Panicked(payload),
        };
        outcomes.insert(id.0, outcome);
    }
}

/// Puts the replaced users in place of what the statement returned of them.
pub(super) fn complete(writes: Vec<Work>, outcomes: &mut Outcomes) {
    for write in writes {
        if let Work::Replace { id, profile, .. } = write
            && let Some(outcome) = outcomes.get_mut(&id.0)
            && let WriteOutcome::Replaced {
                version,
                created_at,
                updated_at,
            } = *outcome
        {
            *outcome = WriteOutcome::Rewritten(User {
                id,
                version,
                profile,
                created_at,
                updated_at,
            });
        }
    }
}
