//! Many writes as one transaction of a few set-based statements, each write with a verdict of its own (docs/adr/0004).
//!
//! Everything of a transaction is sent in one go. The advisory lock comes first and is held until the commit: the
//! positions of the change feed, given out under it, are therefore in the order of commits (docs/adr/0002).

use super::pool::Object;
use super::sql_error::StoreError;
use super::user_row::{read_profile, read_time};
use super::work::{Mode, Verdict, Work};
use super::write_columns::{Claims, Expectations, Profiles};
use super::write_sql;
use crate::domain::{Timestamp, User, UserId, Version};
use futures_util::future::OptionFuture;
use std::collections::HashMap;
use std::time::SystemTime;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Row, Statement};
use uuid::Uuid;

type Verdicts = HashMap<Uuid, Verdict>;

/// Makes all the writes of `batch` in one transaction; no two of them may be of one user.
///
/// # Errors
/// Nothing was written when `PostgreSQL` refused a statement. When the connection broke or time ran out, nobody knows.
pub(super) async fn run(
    client: &Object,
    batch: &[&Work],
    mode: Mode,
) -> Result<Vec<Verdict>, StoreError> {
    let columns = Columns::of(batch);
    let statements = Statements::prepare(client, &columns, mode).await?;
    // One write waits for its row before it takes the lock that everyone needs.
    let awaited = batch
        .first()
        .filter(|work| mode == Mode::Alone && !matches!(work, Work::Create { .. }))
        .map(|work| work.user_id().0);
    let mut verdicts = exchange(client, &columns, &statements, awaited).await?;
    // Of the creations without a key, only those that were made are answered with a row.
    let verdict_of = |work: &&Work| verdicts.remove(&work.user_id().0);
    Ok(batch
        .iter()
        .map(verdict_of)
        .map(|verdict| verdict.unwrap_or(Verdict::EmailTaken))
        .collect())
}

/// The writes of a batch by their statements, turned into arrays.
#[derive(Default)]
struct Columns<'a> {
    created: Profiles<'a>,
    claimed: Profiles<'a>,
    claims: Claims<'a>,
    replaced: Profiles<'a>,
    expectations: Expectations,
    deleted: Expectations,
}

impl<'a> Columns<'a> {
    fn of(batch: &[&'a Work]) -> Self {
        let mut columns = Self::default();
        for work in batch {
            match work {
                Work::Create { user, claim: None } => {
                    columns
                        .created
                        .push(user.id, &user.profile, user.created_at);
                }
                Work::Create {
                    user,
                    claim: Some(claim),
                } => {
                    columns
                        .claimed
                        .push(user.id, &user.profile, user.created_at);
                    columns.claims.push(claim);
                }
                Work::Replace {
                    id,
                    profile,
                    expected,
                    at,
                } => {
                    columns.replaced.push(*id, profile, *at);
                    columns.expectations.push(*id, *expected, *at);
                }
                Work::Delete { id, expected, at } => columns.deleted.push(*id, *expected, *at),
            }
        }
        columns
    }
}

/// The statements that a batch needs.
struct Statements {
    wait: Statement,
    delete: Option<Statement>,
    replace: Option<Statement>,
    claim: Option<Statement>,
    create_claimed: Option<Statement>,
    create: Option<Statement>,
}

impl Statements {
    async fn prepare(
        client: &Object,
        columns: &Columns<'_>,
        mode: Mode,
    ) -> Result<Self, StoreError> {
        let claims = !columns.claimed.is_empty();
        Ok(Self {
            wait: client.prepare_cached(write_sql::WAIT).await?,
            delete: prepare(client, write_sql::delete(mode), !columns.deleted.is_empty()).await?,
            replace: prepare(
                client,
                write_sql::replace(mode),
                !columns.replaced.is_empty(),
            )
            .await?,
            claim: prepare(client, write_sql::CLAIM, claims).await?,
            create_claimed: prepare(client, write_sql::CREATE_CLAIMED, claims).await?,
            create: prepare(client, write_sql::CREATE, !columns.created.is_empty()).await?,
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

/// Sends the whole transaction and reads its verdicts.
async fn exchange(
    client: &Object,
    columns: &Columns<'_>,
    statements: &Statements,
    awaited: Option<Uuid>,
) -> Result<Verdicts, StoreError> {
    let delete_values = columns.deleted.delete_values();
    let replace_values = columns.replaced.replace_values(&columns.expectations);
    let claim_values = columns.claims.values(&columns.claimed);
    let claimed_values = columns.claims.create_values(&columns.claimed);
    let create_values = columns.created.create_values();
    let opening = if awaited.is_some() {
        write_sql::BEGIN_ALONE
    } else {
        write_sql::BEGIN
    };
    let awaited_values = awaited.as_ref().map(|id| [id as &(dyn ToSql + Sync)]);
    let wait = awaited_values
        .as_ref()
        .map(|values| client.execute(&statements.wait, values));
    let lock = awaited.map(|_| client.batch_execute(write_sql::LOCK));
    // Polled in this order, so sent in this order, without waiting for an answer in between.
    let answers = tokio::join!(
        biased;
        client.batch_execute(opening),
        OptionFuture::from(wait),
        OptionFuture::from(lock),
        query(client, statements.delete.as_ref(), &delete_values),
        query(client, statements.replace.as_ref(), &replace_values),
        query(client, statements.claim.as_ref(), &claim_values),
        query(client, statements.create_claimed.as_ref(), &claimed_values),
        query(client, statements.create.as_ref(), &create_values),
        client.batch_execute("COMMIT"),
    );
    let (opened, waited, locked, deleted, replaced, claimed, created_once, created, committed) =
        answers;
    // The first error is the cause of those behind it, and turns the commit into a rollback.
    opened?;
    waited.transpose()?;
    locked.transpose()?;
    let (deleted, replaced) = (deleted?, replaced?);
    claimed?;
    let (created_once, created) = (created_once?, created?);
    committed?;

    let mut verdicts = HashMap::new();
    judge(&mut verdicts, &deleted, judge_delete)?;
    judge(&mut verdicts, &replaced, judge_replace)?;
    judge(&mut verdicts, &created_once, judge_claimed)?;
    judge(&mut verdicts, &created, |_| Ok(Verdict::Created))?;
    Ok(verdicts)
}

async fn query(
    client: &Object,
    statement: Option<&Statement>,
    parameters: &[&(dyn ToSql + Sync)],
) -> Result<Vec<Row>, tokio_postgres::Error> {
    match statement {
        Some(statement) => client.query(statement, parameters).await,
        None => Ok(Vec::new()),
    }
}

fn judge(
    verdicts: &mut Verdicts,
    rows: &[Row],
    verdict: impl Fn(&Row) -> Result<Verdict, StoreError>,
) -> Result<(), StoreError> {
    for row in rows {
        verdicts.insert(row.try_get(0)?, verdict(row)?);
    }
    Ok(())
}

fn judge_delete(row: &Row) -> Result<Verdict, StoreError> {
    let (exists, held, deleted): (bool, bool, bool) =
        (row.try_get(1)?, row.try_get(2)?, row.try_get(3)?);
    Ok(match (exists, held, deleted) {
        (_, _, true) => Verdict::Deleted,
        (_, true, false) => Verdict::ConditionFailed,
        (true, false, _) => Verdict::Alone,
        (false, false, _) => Verdict::NotFound,
    })
}

fn judge_replace(row: &Row) -> Result<Verdict, StoreError> {
    let (exists, held): (bool, bool) = (row.try_get(1)?, row.try_get(2)?);
    if !held {
        return Ok(if exists {
            Verdict::Alone
        } else {
            Verdict::NotFound
        });
    }
    let as_expected: Option<bool> = row.try_get(3)?;
    if as_expected == Some(false) {
        return Ok(Verdict::ConditionFailed);
    }
    let (same_email, alone): (bool, bool) = (row.try_get(4)?, row.try_get(8)?);
    if !same_email && !alone {
        return Ok(Verdict::Alone);
    }
    Ok(Verdict::Replaced {
        version: Version(row.try_get(5)?),
        created_at: read_time(row, 6)?,
        updated_at: read_time(row, 7)?,
    })
}

fn judge_claimed(row: &Row) -> Result<Verdict, StoreError> {
    let (holds, created): (bool, bool) = (row.try_get(1)?, row.try_get(2)?);
    if holds {
        return Ok(if created {
            Verdict::Created
        } else {
            Verdict::EmailTaken
        });
    }
    let (same_request, email_taken): (bool, bool) = (row.try_get(3)?, row.try_get(4)?);
    if !same_request {
        return Ok(Verdict::KeyReused);
    }
    if email_taken {
        return Ok(Verdict::EmailTaken);
    }
    let at: SystemTime = row.try_get(12)?;
    let at = Timestamp::from(at);
    Ok(Verdict::CreatedBefore(User {
        id: UserId(row.try_get(5)?),
        version: Version::FIRST,
        profile: read_profile(row, 6)?,
        created_at: at,
        updated_at: at,
    }))
}
