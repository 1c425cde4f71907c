//! What the database's role has to be allowed to do, by table: checked by name, so that what it lacks can be granted.
//! Must not know what the statements are.

use super::SchemaError;
use crate::store::sql_error::StoreError;
use std::fmt;
use tokio_postgres::Client;

/// The tables, and what the service does with each.
const NEEDED: &[(&str, &[&str])] = &[
    ("users", &["SELECT", "INSERT", "UPDATE", "DELETE"]),
    ("user_changes", &["SELECT", "INSERT", "DELETE"]),
    ("user_changes_swept", &["SELECT", "UPDATE"]),
    (
        "idempotency_keys",
        &["SELECT", "INSERT", "UPDATE", "DELETE"],
    ),
    ("imports", &["SELECT", "INSERT", "UPDATE", "DELETE"]),
    ("import_reports", &["SELECT", "INSERT", "DELETE"]),
    ("import_seen", &["SELECT", "INSERT", "DELETE"]),
    ("clients", &["SELECT", "INSERT", "UPDATE"]),
    ("client_tokens", &["SELECT", "INSERT", "UPDATE"]),
    ("scim_users", &["SELECT", "INSERT", "UPDATE"]),
    (
        "scim_external_ids",
        &["SELECT", "INSERT", "UPDATE", "DELETE"],
    ),
    ("cursor_keys", &["SELECT"]),
    ("refinery_schema_history", &["SELECT"]),
];

/// What a role lacks, and how it is given.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Lacking {
    role: String,
    what: Vec<String>,
    grants: Vec<String>,
}

impl fmt::Display for Lacking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the database role {:?} lacks {}; next: {}",
            self.role,
            self.what.join(", "),
            self.grants.join("; ")
        )
    }
}

/// Checks that the role may do what the service does. Tables that are not there are none of its concern.
pub(super) async fn check(client: &Client) -> Result<(), SchemaError> {
    let (mut tables, mut privileges) = (Vec::new(), Vec::new());
    for (table, needed) in NEEDED {
        for privilege in *needed {
            tables.push(*table);
            privileges.push(*privilege);
        }
    }
    let rows = client
        .query(
            "SELECT quote_ident(current_user), n.name, string_agg(n.privilege, ', ' ORDER BY n.ordinal) \
             FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS n (name, privilege, ordinal) \
             WHERE to_regclass(n.name) IS NOT NULL AND NOT has_table_privilege(to_regclass(n.name), n.privilege) \
             GROUP BY n.name ORDER BY min(n.ordinal)",
            &[&tables, &privileges],
        )
        .await
        .map_err(StoreError::from)?;
    let mut lacking = Lacking {
        role: String::new(),
        what: Vec::new(),
        grants: Vec::new(),
    };
    for row in &rows {
        let (role, table, missing): (&str, &str, &str) = (
            row.try_get(0).map_err(StoreError::from)?,
            row.try_get(1).map_err(StoreError::from)?,
            row.try_get(2).map_err(StoreError::from)?,
        );
        role.clone_into(&mut lacking.role);
        lacking.what.push(format!("{missing} on {table}"));
        lacking
            .grants
            .push(format!("GRANT {missing} ON {table} TO {role}"));
    }
    if lacking.what.is_empty() {
        check_sight(client).await
    } else {
        Err(lacking.into())
    }
}

/// Checks that the tables are not in a schema that the role does not look into, which is as if there were none.
async fn check_sight(client: &Client) -> Result<(), SchemaError> {
    let row = client
        .query_opt(
            "SELECT quote_ident(current_user), quote_ident(n.nspname), has_schema_privilege(n.oid, 'USAGE') \
             FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
             WHERE c.relname = 'refinery_schema_history' AND to_regclass('refinery_schema_history') IS NULL \
               AND EXISTS (SELECT FROM pg_class u WHERE u.relname = 'user_changes_swept' AND u.relnamespace = n.oid) \
             ORDER BY n.nspname LIMIT 1",
            &[],
        )
        .await
        .map_err(StoreError::from)?;
    let Some(row) = row else { return Ok(()) };
    let (role, schema): (&str, &str) = (
        row.try_get(0).map_err(StoreError::from)?,
        row.try_get(1).map_err(StoreError::from)?,
    );
    let (what, grant) = if row.try_get(2).map_err(StoreError::from)? {
        (
            format!("schema {schema} in its search_path"),
            format!("ALTER ROLE {role} SET search_path = {schema}"),
        )
    } else {
        (
            format!("USAGE on schema {schema}"),
            format!("GRANT USAGE ON SCHEMA {schema} TO {role}"),
        )
    };
    Err(Lacking {
        role: role.to_owned(),
        what: vec![what],
        grants: vec![grant],
    }
    .into())
}

/// Checks that the role may change the schema: make tables in it, and alter those that are there.
pub(super) async fn check_owner(client: &Client) -> Result<(), SchemaError> {
    let row = client
        .query_one(
            "SELECT quote_ident(current_user), quote_ident(current_schema()), \
                    has_schema_privilege(current_schema(), 'CREATE'), \
                    (SELECT string_agg(DISTINCT quote_ident(r.rolname), ', ') FROM pg_class c JOIN pg_roles r ON r.oid = c.relowner \
                     WHERE c.oid IN (SELECT to_regclass(name) FROM unnest($1::text[]) AS name) AND NOT pg_has_role(c.relowner, 'USAGE'))",
            &[&NEEDED.iter().map(|(table, _)| *table).collect::<Vec<_>>()],
        )
        .await
        .map_err(StoreError::from)?;
    let text = |at: usize| -> Result<Option<String>, SchemaError> {
        Ok(row.try_get(at).map_err(StoreError::from)?)
    };
    let role = text(0)?.unwrap_or_default();
    let schema = text(1)?;
    let (mut what, mut grants) = (Vec::new(), Vec::new());
    match &schema {
        None => {
            what.push("a schema that exists in its search_path".to_owned());
            grants.push(format!("ALTER ROLE {role} SET search_path = public"));
        }
        Some(schema) => {
            let may_create: Option<bool> = row.try_get(2).map_err(StoreError::from)?;
            if may_create != Some(true) {
                what.push(format!("CREATE on schema {schema}"));
                grants.push(format!("GRANT CREATE ON SCHEMA {schema} TO {role}"));
            }
        }
    }
    if let Some(owner) = text(3)? {
        what.push(format!(
            "the ownership of Roster's tables, which {owner} has"
        ));
        grants.push(format!("GRANT {owner} TO {role}, or migrate as {owner}"));
    }
    if what.is_empty() {
        return Ok(());
    }
    Err(Lacking { role, what, grants }.into())
}
