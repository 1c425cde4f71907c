//! Many writes as one transaction of a few set-based statements, each write with an outcome of its own (docs/adr/0004).
//!
//! Everything of a transaction is sent in one go. The advisory lock comes first and is held until the commit: the
//! positions of the change feed, given out under it, are therefore in the order of commits (docs/adr/0002).

use super::columns::{Micros, RowReader, UserArrays};
use super::decisions;
use super::idempotency::{self, ClaimedUsers};
use super::pool::Object;
use super::sql_error::StoreError;
use super::turn::Turn;
use super::work::{Decide, Mode, Outcomes, Work, WriteOutcome};
use super::write_sql;
use crate::domain::{Actor, Stamp, UserId, Version};
use futures_util::future::OptionFuture;
use std::future::Future;
use std::pin::Pin;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Row, Statement};
use uuid::Uuid;

/// Makes all the writes of `batch` in one transaction, which `turn` may have opened; no two of them may be of one user.
///
/// # Errors
/// Nothing was written when `PostgreSQL` refused a statement. When the connection broke or time ran out, the
/// outcome is unknown.
pub(super) async fn run(
    client: &Object,
    batch: &[Work],
    mode: Mode,
    turn: &mut Turn,
) -> Result<Vec<WriteOutcome>, StoreError> {
    let mut outcomes = Outcomes::new();
    let undecided: Vec<&Decide> = batch.iter().filter_map(Work::undecided).collect();
    let has_begun = turn.is_opened() || !undecided.is_empty();
    let written = if undecided.is_empty() {
        let arrays = Arrays::of(batch.iter());
        let opening = Opening::of(batch, mode);
        let ending = Ending::Committed;
        exchange(client, &arrays, mode, opening, ending, turn, &mut outcomes).await
    } else {
        // On the heap, where it takes no room in the future of every other batch.
        Box::pin(run_decided(
            client,
            batch,
            &undecided,
            mode,
            turn,
            &mut outcomes,
        ))
        .await
    };
    if let Err(error) = written {
        if has_begun {
            // Whatever comes of it: a connection that cannot roll back is not used again.
            let _ = client.batch_execute("ROLLBACK").await;
        }
        return Err(error);
    }
    Ok(in_order(batch, outcomes))
}

/// Makes all the writes of `batch`, none of which is still to be decided on, in a transaction that is left open, so that the
/// caller can add to it what it makes of their outcomes. It holds the advisory lock until the caller ends it.
///
/// # Errors
/// The transaction is left to be rolled back.
pub(super) async fn run_open(
    client: &Object,
    batch: &[Work],
) -> Result<Vec<WriteOutcome>, StoreError> {
    let (opening, ending) = (Opening::Locked, Ending::Open);
    let (arrays, mut outcomes) = (Arrays::of(batch.iter()), Outcomes::new());
    let mut turn = Turn::default();
    exchange(
        client,
        &arrays,
        Mode::Batch,
        opening,
        ending,
        &mut turn,
        &mut outcomes,
    )
    .await?;
    Ok(in_order(batch, outcomes))
}

/// The outcomes in the order of their writes. Of the creations without a key, only those that were made are answered with
/// a row.
fn in_order(batch: &[Work], mut outcomes: Outcomes) -> Vec<WriteOutcome> {
    let outcome_of = |work: &Work| outcomes.remove(&work.user_id().0);
    batch
        .iter()
        .map(outcome_of)
        .map(|outcome| outcome.unwrap_or(WriteOutcome::EmailTaken))
        .collect()
}

/// Makes a batch with writes that depend on their users: one round trip more, in which their rows are locked and read.
async fn run_decided(
    client: &Object,
    batch: &[Work],
    undecided: &[&Decide],
    mode: Mode,
    turn: &mut Turn,
    outcomes: &mut Outcomes,
) -> Result<(), StoreError> {
    let decided = decisions::decide(client, undecided, mode, turn, outcomes).await?;
    if decided.is_empty() && undecided.len() == batch.len() {
        return Ok(client.batch_execute("COMMIT").await?);
    }
    let arrays = Arrays::of(batch.iter().chain(&decided));
    let (opening, ending) = (Opening::Begun, Ending::Committed);
    exchange(client, &arrays, mode, opening, ending, turn, outcomes).await?;
    drop(arrays);
    decisions::complete(decided, outcomes);
    Ok(())
}

/// How a transaction begins.
#[derive(Clone, Copy)]
enum Opening {
    /// It takes the advisory lock at once, unless it holds it already.
    Locked,
    /// It waits for this user's row before it takes the advisory lock, so that no other transaction waits for that row.
    AfterRow(Uuid),
    /// It has begun and holds its rows; the advisory lock is still to be taken.
    Begun,
}

impl Opening {
    fn of(batch: &[Work], mode: Mode) -> Self {
        match (mode, batch) {
            (Mode::Single, [Work::Replace { id, .. } | Work::Delete { id, .. }, ..]) => {
                Self::AfterRow(id.0)
            }
            _ => Self::Locked,
        }
    }

    /// Sends what opens the transaction.
    async fn send(self, client: &Object, turn: &mut Turn) -> Result<(), StoreError> {
        match self {
            Self::Locked => turn.take_lock(client, false).await,
            Self::Begun => turn.take_lock(client, true).await,
            Self::AfterRow(_) => Ok(client.batch_execute(write_sql::BEGIN).await?),
        }
    }

    fn row(self) -> Option<Uuid> {
        match self {
            Self::AfterRow(id) => Some(id),
            Self::Locked | Self::Begun => None,
        }
    }
}

/// How the statements of a batch end.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ending {
    /// The transaction is committed.
    Committed,
    /// It is left open.
    Open,
}

/// The writes of a batch by their statements, one array for each column.
#[derive(Default)]
struct Arrays<'a> {
    created: UserArrays<'a>,
    claimed: ClaimedUsers<'a>,
    replaced: Replacements<'a>,
    deleted: Deletions<'a>,
}

impl<'a> Arrays<'a> {
    fn of(batch: impl Iterator<Item = &'a Work>) -> Self {
        let mut arrays = Self::default();
        for work in batch {
            match work {
                Work::Create {
                    user,
                    claim: None,
                    actor,
                } => {
                    let (at, actor) = (user.created_at, actor.as_ref());
                    arrays.created.push(user.id, &user.profile, at, actor);
                }
                Work::Create {
                    user,
                    claim: Some(claim),
                    actor,
                } => arrays.claimed.push(user, claim, actor.as_ref()),
                Work::Replace {
                    id,
                    profile,
                    expected,
                    stamp,
                } => {
                    let actor = stamp.actor.as_ref();
                    arrays.replaced.users.push(*id, profile, stamp.at, actor);
                    arrays
                        .replaced
                        .expected
                        .push(expected.map(|version| version.0));
                }
                Work::Delete {
                    id,
                    expected,
                    stamp,
                } => arrays.deleted.push(*id, *expected, stamp),
                // Those that change something come along as what was decided.
                Work::Decide(_) => {}
            }
        }
        arrays
    }
}

/// Several profiles to be replaced, and the versions that are expected of their users.
#[derive(Default)]
struct Replacements<'a> {
    users: UserArrays<'a>,
    expected: Vec<Option<i64>>,
}

impl Replacements<'_> {
    /// The parameters of [`write_sql::replace`].
    fn parameters(&self) -> Vec<&(dyn ToSql + Sync)> {
        let mut parameters = self.users.parameters_with_derived();
        parameters.push(&self.expected);
        parameters
    }
}

/// Several users to be removed, and the versions that are expected of them.
#[derive(Default)]
struct Deletions<'a> {
    ids: Vec<Uuid>,
    times: Vec<Micros>,
    actors: Vec<Option<&'a str>>,
    expected: Vec<Option<i64>>,
}

impl<'a> Deletions<'a> {
    fn push(&mut self, id: UserId, expected: Option<Version>, stamp: &'a Stamp) {
        self.ids.push(id.0);
        self.times.push(Micros::from(stamp.at));
        self.actors.push(stamp.actor.as_ref().map(Actor::as_str));
        self.expected.push(expected.map(|version| version.0));
    }

    /// The parameters of [`write_sql::delete`].
    fn parameters(&self) -> [&(dyn ToSql + Sync); 4] {
        [&self.ids, &self.times, &self.actors, &self.expected]
    }
}

/// The statements that a batch needs.
struct Statements {
    wait: Option<Statement>,
    delete: Option<Statement>,
    replace: Option<Statement>,
    claim: Option<Statement>,
    create_claimed: Option<Statement>,
    create: Option<Statement>,
}

impl Statements {
    async fn prepare(
        client: &Object,
        arrays: &Arrays<'_>,
        mode: Mode,
        opening: Opening,
    ) -> Result<Self, StoreError> {
        let waits = matches!(opening, Opening::AfterRow(_));
        let deletes = !arrays.deleted.ids.is_empty();
        let replaces = !arrays.replaced.users.is_empty();
        let (creates, claims) = (!arrays.created.is_empty(), !arrays.claimed.is_empty());
        Ok(Self {
            wait: prepare(client, write_sql::WAIT, waits).await?,
            delete: prepare(client, write_sql::delete(mode), deletes).await?,
            replace: prepare(client, write_sql::replace(mode), replaces).await?,
            claim: prepare(client, &idempotency::CLAIM, claims).await?,
            create_claimed: prepare(client, &idempotency::CREATE_CLAIMED, claims).await?,
            create: prepare(client, &write_sql::CREATE, creates).await?,
        })
    }
}

async fn prepare(
    client: &Object,
    sql: &str,
    wanted: bool,
) -> Result<Option<Statement>, StoreError> {
    Ok(if wanted {
        Some(client.prepare_cached(sql).await?)
    } else {
        None
    })
}

/// Sends the whole transaction and reads its outcomes.
async fn exchange(
    client: &Object,
    arrays: &Arrays<'_>,
    mode: Mode,
    opening: Opening,
    ending: Ending,
    turn: &mut Turn,
    outcomes: &mut Outcomes,
) -> Result<(), StoreError> {
    let statements = Statements::prepare(client, arrays, mode, opening).await?;
    let awaited = opening.row();
    let wait_values = [&awaited as &(dyn ToSql + Sync)];
    let delete_values = arrays.deleted.parameters();
    let replace_values = arrays.replaced.parameters();
    let claim_values = arrays.claimed.claim_parameters();
    let claimed_values = arrays.claimed.create_parameters();
    let create_values = arrays.created.parameters_with_derived();
    let lock = awaited.map(|_| client.batch_execute(write_sql::LOCK));
    let commit = (ending == Ending::Committed).then(|| client.batch_execute("COMMIT"));
    // Polled in this order, so sent in this order, without waiting for an answer in between.
    let answers = tokio::join!(
        biased;
        opening.send(client, turn),
        query(client, statements.wait.as_ref(), &wait_values),
        OptionFuture::from(lock),
        query(client, statements.delete.as_ref(), &delete_values),
        query(client, statements.replace.as_ref(), &replace_values),
        query(client, statements.claim.as_ref(), &claim_values),
        query(client, statements.create_claimed.as_ref(), &claimed_values),
        query(client, statements.create.as_ref(), &create_values),
        OptionFuture::from(commit),
    );
    let (opened, waited, locked, deleted, replaced, claimed, created_once, created, committed) =
        answers;
    // The first error is the cause of those behind it, and turns the commit into a rollback.
    opened?;
    waited.transpose()?;
    locked.transpose()?;
    let (deleted, replaced) = (deleted.transpose()?, replaced.transpose()?);
    claimed.transpose()?;
    let (created_once, created) = (created_once.transpose()?, created.transpose()?);
    committed.transpose()?;

    read_outcomes(outcomes, deleted, read_delete)?;
    read_outcomes(outcomes, replaced, read_replace)?;
    read_outcomes(outcomes, created_once, idempotency::read_outcome)?;
    read_outcomes(outcomes, created, |_| Ok(WriteOutcome::Created))
}

type QueryResult = Result<Vec<Row>, tokio_postgres::Error>;

/// On the heap, and only where there is something to send: the state of six queries would make that of every batch large.
fn query<'a>(
    client: &'a Object,
    statement: Option<&'a Statement>,
    parameters: &'a [&'a (dyn ToSql + Sync)],
) -> OptionFuture<Pin<Box<impl Future<Output = QueryResult> + 'a>>> {
    statement
        .map(|statement| Box::pin(client.query(statement, parameters)))
        .into()
}

/// Reads outcomes from rows that begin with the user's id.
fn read_outcomes(
    outcomes: &mut Outcomes,
    rows: Option<Vec<Row>>,
    read: impl Fn(&mut RowReader<'_>) -> Result<WriteOutcome, StoreError>,
) -> Result<(), StoreError> {
    for row in rows.into_iter().flatten() {
        let mut row = RowReader::new(&row);
        outcomes.insert(row.read()?, read(&mut row)?);
    }
    Ok(())
}

fn read_delete(row: &mut RowReader<'_>) -> Result<WriteOutcome, StoreError> {
    let (exists, held, deleted): (bool, bool, bool) = (row.read()?, row.read()?, row.read()?);
    Ok(match (exists, held, deleted) {
        (_, _, true) => WriteOutcome::Deleted,
        (_, true, false) => WriteOutcome::ConditionFailed,
        (true, false, _) => WriteOutcome::NotBatchable,
        (false, false, _) => WriteOutcome::NotFound,
    })
}

fn read_replace(row: &mut RowReader<'_>) -> Result<WriteOutcome, StoreError> {
    let (exists, held): (bool, bool) = (row.read()?, row.read()?);
    if !held {
        return Ok(if exists {
            WriteOutcome::NotBatchable
        } else {
            WriteOutcome::NotFound
        });
    }
    let (as_expected, may_be_changed): (Option<bool>, bool) = (row.read()?, row.read()?);
    if as_expected == Some(false) {
        return Ok(WriteOutcome::ConditionFailed);
    }
    if !may_be_changed {
        return Ok(WriteOutcome::NotBatchable);
    }
    Ok(WriteOutcome::Replaced {
        version: Version(row.read()?),
        created_at: row.time()?,
        updated_at: row.time()?,
    })
}
