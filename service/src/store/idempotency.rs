//! Retries of creations (`Idempotency-Key`): which keys are being worked on in this process, how a key is claimed in the
//! transaction that creates its user, what a retry learns from the row of an earlier attempt, and how rows expire.

use super::columns::{RowReader, UserArrays, input, profile, user_input, user_input_with_derived};
use super::sql_error::StoreError;
use super::work::WriteOutcome;
use super::write_sql::created;
use crate::domain::{Actor, IdempotencyClaim, IdempotencyKey, User, UserId};
use std::collections::HashSet;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use tokio_postgres::types::ToSql;

type Keys = Arc<Mutex<HashSet<(String, String)>>>;

/// The keys whose first request is still running in this process.
#[derive(Default)]
pub(super) struct KeysInProgress(Keys);

impl KeysInProgress {
    /// Marks the key until the guard is dropped; `None` when it is marked already.
    pub(super) fn enter(&self, claim: &IdempotencyClaim) -> Option<KeyInProgress> {
        self.enter_key(&claim.client, &claim.key)
    }

    /// Marks a client's key, as [`KeysInProgress::enter`] does.
    pub(super) fn enter_key(&self, client: &str, key: &IdempotencyKey) -> Option<KeyInProgress> {
        let name = (client.to_owned(), key.as_str().to_owned());
        let entered = self
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(name.clone());
        entered.then(|| KeyInProgress {
            keys: self.0.clone(),
            name,
        })
    }
}

/// Unmarks the key when dropped.
pub(super) struct KeyInProgress {
    keys: Keys,
    name: (String, String),
}

impl Drop for KeyInProgress {
    fn drop(&mut self) {
        self.keys
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&self.name);
    }
}

/// The columns of a claim, beside those of the user that it creates.
const CLAIM_INPUT: &[(&str, &str)] = &[
    ("client", "text"),
    ("key", "text"),
    ("fingerprint", "bytea"),
];

/// Claims the keys that are free.
pub(super) static CLAIM: LazyLock<String> = LazyLock::new(|| {
    let input = input(&[&user_input(), CLAIM_INPUT]);
    let profile = profile("");
    format!(
        "INSERT INTO idempotency_keys (client, key, fingerprint, user_id, {profile}, created_at)
SELECT client, key, fingerprint, id, {profile}, at FROM {input}
ON CONFLICT (client, key) DO NOTHING"
    )
});

/// Runs after [`CLAIM`]: attempts that hold their key create their user, the others read what the holder's led to.
pub(super) static CREATE_CLAIMED: LazyLock<String> = LazyLock::new(|| {
    let input = input(&[&user_input_with_derived(), CLAIM_INPUT]);
    let (created, claimed) = (created("input WHERE holds"), profile("k."));
    format!(
        "
WITH input AS (
    SELECT i.*, k.user_id = i.id AS holds
    FROM {input} JOIN idempotency_keys k ON k.client = i.client AND k.key = i.key
), {created}, taken AS (
    UPDATE idempotency_keys k SET email_taken = true FROM input i
    WHERE i.holds AND k.client = i.client AND k.key = i.key AND NOT EXISTS (SELECT FROM created c WHERE c.id = i.id)
)
SELECT i.id, i.holds, c.id IS NOT NULL, k.fingerprint = i.fingerprint, k.email_taken, k.user_id, {claimed}, k.created_at
FROM input i
JOIN idempotency_keys k ON k.client = i.client AND k.key = i.key
LEFT JOIN created c ON c.id = i.id"
    )
});

/// Forgets keys that were claimed before `$1`, at most `$2` of them.
pub(super) const SWEEP: &str = "
DELETE FROM idempotency_keys
WHERE (client, key) IN (SELECT client, key FROM idempotency_keys WHERE created_at < $1 ORDER BY created_at LIMIT $2)";

/// Several users to be created under idempotency keys, one array for each column.
#[derive(Default)]
pub(super) struct ClaimedUsers<'a> {
    users: UserArrays<'a>,
    clients: Vec<&'a str>,
    keys: Vec<&'a str>,
    fingerprints: Vec<&'a [u8]>,
}

impl<'a> ClaimedUsers<'a> {
    pub(super) fn push(
        &mut self,
        user: &'a User,
        claim: &'a IdempotencyClaim,
        actor: Option<&'a Actor>,
    ) {
        let at = user.created_at;
        self.users.push(user.id, &user.profile, at, actor);
        self.clients.push(&claim.client);
        self.keys.push(claim.key.as_str());
        self.fingerprints.push(&claim.fingerprint);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// The parameters of [`CLAIM`].
    pub(super) fn claim_parameters(&self) -> Vec<&(dyn ToSql + Sync)> {
        self.after(self.users.parameters())
    }

    /// The parameters of [`CREATE_CLAIMED`].
    pub(super) fn create_parameters(&self) -> Vec<&(dyn ToSql + Sync)> {
        self.after(self.users.parameters_with_derived())
    }

    fn after<'p>(
        &'p self,
        mut parameters: Vec<&'p (dyn ToSql + Sync)>,
    ) -> Vec<&'p (dyn ToSql + Sync)> {
        parameters.extend([
            &self.clients as &(dyn ToSql + Sync),
            &self.keys,
            &self.fingerprints,
        ]);
        parameters
    }
}

/// Reads what became of an attempt from a row of [`CREATE_CLAIMED`], behind its id.
pub(super) fn read_outcome(row: &mut RowReader<'_>) -> Result<WriteOutcome, StoreError> {
    let (holds, created): (bool, bool) = (row.read()?, row.read()?);
    let (same_request, email_taken): (bool, bool) = (row.read()?, row.read()?);
    let (id, profile, at) = (UserId(row.read()?), row.profile()?, row.time()?);
    Ok(match (holds, created) {
        (true, true) => WriteOutcome::Created,
        (true, false) => WriteOutcome::EmailTaken,
        (false, _) if !same_request => WriteOutcome::KeyReused,
        (false, _) if email_taken => WriteOutcome::EmailTakenBefore,
        (false, _) => WriteOutcome::CreatedBefore(User::new(id, profile, at)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::IdempotencyKey;

    #[test]
    fn a_key_is_held_by_one_request_of_one_client_at_a_time() {
        let keys = KeysInProgress::default();
        let claim = |client: &str| IdempotencyClaim {
            client: client.into(),
            key: IdempotencyKey::parse("k").unwrap(),
            fingerprint: [0; 32],
        };
        let first = keys.enter(&claim("a"));
        assert!(first.is_some());
        assert!(keys.enter(&claim("a")).is_none());
        assert!(keys.enter(&claim("b")).is_some());
        drop(first);
        assert!(keys.enter(&claim("a")).is_some());
    }
}
