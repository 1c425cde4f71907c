//! Many writes of providers as one transaction of a few set-based statements, as `write_batch` makes those of other clients.
//!
//! What a change is made of depends on the user: its row is locked and read first, as `decisions` does it.

use super::arrays::{Arrays, changed, created};
use super::sql;
use super::work::{Change, Decision, Outcome, Provisioning};
use crate::domain::{
    ExternalId, Provision, ProvisionedUser, ScimProfile, Timestamp, User, UserId, Version,
};
use crate::store::clients::scim_profile_of;
use crate::store::columns::RowReader;
use crate::store::decisions::hold;
use crate::store::lane_work::LaneWork;
use crate::store::observed::Statement;
use crate::store::pool::Object;
use crate::store::sql_error::StoreError;
use crate::store::turn::Turn;
use crate::store::work::Mode;
use std::collections::HashMap;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use tokio_postgres::types::ToSql;
use tokio_postgres::{Row, Statement as PgStatement};
use uuid::Uuid;

type Outcomes = HashMap<Uuid, Outcome>;

impl LaneWork for Provisioning {
    type Outcome = Outcome;
    const MEASURED: [Statement; 2] = [
        Statement::WriteProvisioned,
        Statement::WriteProvisionedAlone,
    ];

    fn user_id(&self) -> UserId {
        match self {
            Self::Create { user, .. } => user.id,
            Self::Change(change) => change.id,
        }
    }

    fn bytes(&self) -> usize {
        match self {
            Self::Create { attributes, .. } => 1024 + attributes.document.len(),
            // Not known yet; as much as a long document.
            Self::Change(_) => 4096,
        }
    }

    fn run(
        client: &Object,
        batch: &[Self],
        mode: Mode,
        turn: &mut Turn,
    ) -> impl Future<Output = Result<Vec<Outcome>, StoreError>> + Send {
        run(client, batch, mode, turn)
    }

    fn is_not_batchable(outcome: &Outcome) -> bool {
        matches!(outcome, Outcome::NotBatchable)
    }

    fn violated(error: &StoreError) -> Option<Outcome> {
        let constraints = [
            ("users_email_key", Outcome::EmailTaken),
            ("scim_users_user_name_key", Outcome::UserNameTaken),
            (
                "scim_external_ids_external_id_key",
                Outcome::ExternalIdTaken,
            ),
        ];
        let mut constraints = constraints.into_iter();
        let violated = constraints.find(|(name, _)| error.violates(name));
        violated.map(|(_, outcome)| outcome)
    }
}

async fn run(
    client: &Object,
    batch: &[Provisioning],
    mode: Mode,
    turn: &mut Turn,
) -> Result<Vec<Outcome>, StoreError> {
    let mut outcomes = Outcomes::with_capacity(batch.len());
    let outcome = transaction(client, batch, mode, turn, &mut outcomes).await;
    if let Err(error) = outcome {
        // Whatever comes of it: a connection that cannot roll back is not used again.
        let _ = client.batch_execute("ROLLBACK").await;
        return Err(error);
    }
    // Of the creations, only those that were made are answered with a row.
    let outcome_of = |work: &Provisioning| outcomes.remove(&work.user_id().0);
    Ok(batch
        .iter()
        .map(outcome_of)
        .map(|outcome| outcome.unwrap_or(Outcome::EmailTaken))
        .collect())
}

async fn transaction(
    client: &Object,
    batch: &[Provisioning],
    mode: Mode,
    turn: &mut Turn,
    outcomes: &mut Outcomes,
) -> Result<(), StoreError> {
    let to_change: Vec<&Change> = batch.iter().filter_map(Provisioning::change).collect();
    let has_begun = !to_change.is_empty();
    let mut decided = Vec::new();
    if has_begun {
        decided = decide(client, &to_change, mode, turn, outcomes).await?;
    }
    let (created, changed) = (created(batch), changed(&decided));
    if created.is_empty() && changed.is_empty() {
        return Ok(client.batch_execute("COMMIT").await?);
    }
    // Before anything is sent: what has to be prepared would come behind the COMMIT.
    let change = prepare(client, &sql::CHANGE, &changed).await?;
    let create = prepare(client, &sql::CREATE, &created).await?;
    let (change_values, create_values) = (changed.parameters(), created.parameters());
    // Polled in this order, so sent in this order, without waiting for an answer in between.
    let (opened, changes_made, creations_made, committed) = tokio::join!(
        biased;
        turn.take_lock(client, has_begun),
        query(client, change.as_ref(), &change_values),
        query(client, create.as_ref(), &create_values),
        client.batch_execute("COMMIT"),
    );
    // The first error is the cause of those behind it, and turns the commit into a rollback.
    opened?;
    let (changes_made, creations_made) = (changes_made?, creations_made?);
    committed?;
    for row in &creations_made {
        outcomes.insert(RowReader::new(row).read()?, Outcome::Created);
    }
    drop((change_values, create_values));
    drop((changed, created));
    complete(decided, &changes_made, outcomes)
}

/// The statement, if there is anything for it.
async fn prepare(
    client: &Object,
    sql: &str,
    arrays: &Arrays<'_>,
) -> Result<Option<PgStatement>, StoreError> {
    Ok(if arrays.is_empty() {
        None
    } else {
        Some(client.prepare_cached(sql).await?)
    })
}

async fn query(
    client: &Object,
    statement: Option<&PgStatement>,
    parameters: &[&(dyn ToSql + Sync)],
) -> Result<Vec<Row>, StoreError> {
    Ok(match statement {
        Some(statement) => client.query(statement, parameters).await?,
        None => Vec::new(),
    })
}

/// Begins the transaction, unless `turn` has, locks the rows of `changes` and decides on each. Returns those to be written; the outcomes of
/// the others are added to `outcomes`.
async fn decide<'a>(
    client: &Object,
    changes: &[&'a Change],
    mode: Mode,
    turn: &Turn,
    outcomes: &mut Outcomes,
) -> Result<Vec<(&'a Change, Box<Provision>)>, StoreError> {
    let lock = client.prepare_cached(hold(mode)).await?;
    let read = client.prepare_cached(&sql::HELD).await?;
    let ids: Vec<Uuid> = changes.iter().map(|change| change.id.0).collect();
    let clients: Vec<&str> = changes.iter().map(|change| &*change.client).collect();
    let lock_values: [&(dyn ToSql + Sync); 1] = [&ids];
    let read_values: [&(dyn ToSql + Sync); 2] = [&ids, &clients];
    let (begun, locked, rows) = tokio::join!(
        biased;
        turn.begin(client),
        client.query(&lock, &lock_values),
        client.query(&read, &read_values),
    );
    begun?;
    let locked = locked?;
    let mut beside: HashMap<Uuid, Row> = HashMap::with_capacity(changes.len());
    for row in rows? {
        let id = RowReader::new(&row).read()?;
        beside.insert(id, row);
    }
    let mut writes = Vec::with_capacity(changes.len());
    for row in &locked {
        let mut row = RowReader::new(row);
        let (id, exists, held): (Uuid, bool, bool) = (row.read()?, row.read()?, row.read()?);
        let change = changes.iter().find(|change| change.id.0 == id);
        let (Some(change), Some(beside)) = (change, beside.get(&id)) else {
            continue;
        };
        if held {
            let (present, profile) = present(row.user()?, beside)?;
            if let Some(provision) = change.apply(present, profile, mode, outcomes) {
                writes.push((*change, provision));
            }
        } else if exists && mode == Mode::Batch {
            outcomes.insert(id, Outcome::NotBatchable);
        } else {
            outcomes.insert(id, Outcome::NotFound);
        }
    }
    Ok(writes)
}

/// A user and what is beside it, from a row of [`sql::HELD`].
fn present(user: User, beside: &Row) -> Result<(ProvisionedUser, ScimProfile), StoreError> {
    let mut beside = RowReader::behind(1, beside);
    let profile = scim_profile_of(beside.read()?)?;
    let present = ProvisionedUser {
        user,
        document: beside.read()?,
        external_id: beside.read::<Option<&str>>()?.map(ExternalId::from_stored),
    };
    Ok((present, profile))
}

impl Provisioning {
    fn change(&self) -> Option<&Change> {
        match self {
            Self::Change(change) => Some(change),
            Self::Create { .. } => None,
        }
    }
}

impl Change {
    /// What is to be written; where it is nothing, adds the outcome.
    fn apply(
        &self,
        present: ProvisionedUser,
        profile: ScimProfile,
        mode: Mode,
        outcomes: &mut Outcomes,
    ) -> Option<Box<Provision>> {
        // A panic belongs to the request that caused it, not to the task that writes for all.
        let decided = catch_unwind(AssertUnwindSafe(|| (self.decision)(&present, profile)));
        let outcome = match decided {
            Ok(Decision::Write(provision)) => {
                let moves = provision.profile.email.key() != present.user.profile.email.key();
                if !(moves && mode == Mode::Batch) {
                    return Some(provision);
                }
                // An address that is taken would fail the whole batch.
                Outcome::NotBatchable
            }
            Ok(Decision::Nothing) => Outcome::Changed(Box::new(present)),
            Ok(Decision::Refuse) => Outcome::Refused,
            Err(payload) => Outcome::Panicked(payload),
        };
        outcomes.insert(self.id.0, outcome);
        None
    }
}

/// Puts the changed users in place of what the statement returned of them.
fn complete(
    decided: Vec<(&Change, Box<Provision>)>,
    rows: &[Row],
    outcomes: &mut Outcomes,
) -> Result<(), StoreError> {
    let mut written: HashMap<Uuid, (Version, Timestamp, Timestamp)> =
        HashMap::with_capacity(rows.len());
    for row in rows {
        let mut row = RowReader::new(row);
        let id = row.read()?;
        written.insert(id, (Version(row.read()?), row.time()?, row.time()?));
    }
    for (change, provision) in decided {
        let Some((version, created_at, updated_at)) = written.remove(&change.id.0) else {
            continue;
        };
        let Provision {
            profile,
            attributes,
            external_id,
        } = *provision;
        let user = ProvisionedUser {
            user: User {
                id: change.id,
                version,
                profile,
                created_at,
                updated_at,
            },
            document: Some(attributes.document),
            external_id,
        };
        outcomes.insert(change.id.0, Outcome::Changed(Box::new(user)));
    }
    Ok(())
}
