//! Brings the keys by which e-mail addresses are unique and found to the rules of this program, after those have changed.
//!
//! The rules (IDNA) cannot be written in SQL, so this is not a migration. It may be repeated at any time, and reads the table a
//! page at a time, so that no statement is long.

use super::connector::{Connector, PoolSettings};
use super::pool::{self, Object};
use super::sql_error::StoreError;
use crate::domain::email_address::EmailAddressError;
use crate::domain::{EmailAddress, UserId};
use search_grams::index_grams;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

/// A page of the table: the rows whose key may differ from what earlier versions made of it, and the last one, from which
/// the next page goes on. Plain ASCII domains mean what they spell, unless hyphens stand in the third and fourth place.
const PAGE: &str = r"
WITH page AS MATERIALIZED (
    SELECT id, email, email_key, name_key FROM users WHERE id > $1 ORDER BY id LIMIT 10000
)
SELECT id, email, email_key, name_key FROM page
WHERE email ~ '[^\x01-\x7f]|[@.]..--' OR id = (SELECT id FROM page ORDER BY id DESC LIMIT 1)
ORDER BY id";

/// Only what is still as it was read: a client may have changed it meanwhile. The user itself stays as it is, and so do its
/// version and its place in the feed.
const UPDATE: &str = "
UPDATE users SET email_key = $2, search_grams = $3 WHERE id = $1 AND email = $4 AND name_key = $5";

const HOLDER: &str = "SELECT id FROM users WHERE email_key = $1 AND id <> $2";

/// What was found.
#[derive(Debug, Default)]
pub struct EmailKeysReport {
    /// Users whose key was not that of their address, and is now; when nothing may be written, those whose key would be.
    pub updated: u64,
    /// Users whose address the present rules refuse, and why. They are served as before.
    pub invalid: Vec<(UserId, EmailAddressError)>,
    /// Pairs of users whose addresses are one by the present rules. The first keeps its old key until one of them changes.
    pub same_address: Vec<(UserId, UserId)>,
}

/// Looks at every user, and with `update` sets the keys that differ.
///
/// # Errors
/// When the database cannot be used.
pub async fn check_email_keys(
    settings: &PoolSettings,
    update: bool,
) -> Result<EmailKeysReport, StoreError> {
    let connector = Connector::new(settings)?;
    let pool = pool::open(&connector, settings.limits)?;
    let client = pool::get(&pool).await?;
    let mut report = EmailKeysReport::default();
    let mut after = Uuid::nil();
    loop {
        let page = client.query(PAGE, &[&after]).await?;
        let Some(last) = page.last() else {
            return Ok(report);
        };
        after = last.try_get(0)?;
        for row in &page {
            let row = Row {
                id: row.try_get(0)?,
                email: row.try_get(1)?,
                email_key: row.try_get(2)?,
                name_key: row.try_get(3)?,
            };
            row.check(&client, update, &mut report).await?;
        }
    }
}

struct Row<'a> {
    id: Uuid,
    email: &'a str,
    email_key: &'a str,
    name_key: &'a str,
}

impl Row<'_> {
    async fn check(
        &self,
        client: &Object,
        update: bool,
        report: &mut EmailKeysReport,
    ) -> Result<(), StoreError> {
        if let Err(reason) = EmailAddress::parse(self.email) {
            report.invalid.push((UserId(self.id), reason));
        }
        let key = EmailAddress::from_stored(self.email).key();
        if key == self.email_key {
            return Ok(());
        }
        if let Some(holder) = client.query_opt(HOLDER, &[&key, &self.id]).await? {
            let holder = UserId(holder.try_get(0)?);
            report.same_address.push((UserId(self.id), holder));
        } else if update {
            let grams = index_grams([self.name_key, &key]);
            let values: [&(dyn ToSql + Sync); 5] =
                [&self.id, &key, &grams, &self.email, &self.name_key];
            report.updated += client.execute(UPDATE, &values).await?;
        } else {
            report.updated += 1;
        }
        Ok(())
    }
}
