//! The statements of providers' reads and writes. Those of writes take arrays, one element for each write.

use crate::domain::SortField;
use crate::store::columns::{USER_COLUMNS, assignments, input, profile, user_input_with_derived};
use crate::store::write_sql::{NEW_VERSION, created};
use std::sync::LazyLock;

/// The columns beside those of the user that a write has.
const PROVIDER_INPUT: &[(&str, &str)] = &[
    ("client", "text"),
    ("external_id", "text"),
    ("attributes", "text"),
    ("user_name_key", "text"),
    // Several, separated by U+0001: an array of arrays would have to be a rectangle.
    ("email_keys", "text"),
];

/// What a provider wrote, from the columns of [`PROVIDER_INPUT`].
const ATTRIBUTES: &str =
    "i.attributes::jsonb, i.user_name_key, string_to_array(i.email_keys, E'\\x01')";

/// Creates users whose address is free; returns the ids of those that it created.
pub(super) static CREATE: LazyLock<String> = LazyLock::new(|| {
    let input = input(&[&user_input_with_derived(), PROVIDER_INPUT]);
    let created = created("input");
    format!(
        "
WITH input AS (SELECT * FROM {input}), {created}, kept AS (
    INSERT INTO scim_users (user_id, attributes, user_name_key, email_keys)
    SELECT c.id, {ATTRIBUTES} FROM created c JOIN input i ON i.id = c.id
), named AS (
    INSERT INTO scim_external_ids (user_id, client, external_id)
    SELECT c.id, i.client, i.external_id FROM created c JOIN input i ON i.id = c.id WHERE i.external_id IS NOT NULL
)
SELECT id FROM created"
    )
});

/// Changes users whose rows are held; returns their ids, versions and times.
pub(super) static CHANGE: LazyLock<String> = LazyLock::new(|| {
    let input = input(&[&user_input_with_derived(), PROVIDER_INPUT]);
    let (names, of_input) = (profile(""), profile("i."));
    let assignments = assignments("i.");
    let of_external_id = of_external_id("ctid", "i.id", "i.client");
    format!(
        "
WITH input AS (
    SELECT * FROM {input}
), changed AS (
    UPDATE users u SET
        {assignments}, row_version = {NEW_VERSION}, updated_at = GREATEST(i.at, u.updated_at + interval '1 microsecond'),
        search_grams = CASE WHEN (u.name_key, u.email_key) = (i.name_key, i.email_key) THEN u.search_grams
                            ELSE i.search_grams END
    FROM input i WHERE u.id = i.id AND u.id = ANY($1)
    RETURNING u.id, u.row_version, u.created_at, u.updated_at
), fed AS (
    INSERT INTO user_changes (kind, at, user_id, {names}, row_version, created_at, actor)
    SELECT 'updated', c.updated_at, c.id, {of_input}, c.row_version, c.created_at, i.actor
    FROM changed c JOIN input i ON i.id = c.id
), kept AS (
    INSERT INTO scim_users (user_id, attributes, user_name_key, email_keys)
    SELECT i.id, {ATTRIBUTES} FROM input i
    ON CONFLICT (user_id) DO UPDATE SET
        attributes = excluded.attributes, user_name_key = excluded.user_name_key, email_keys = excluded.email_keys
), unnamed AS (
    DELETE FROM scim_external_ids WHERE ctid = ANY(ARRAY(
        SELECT {of_external_id} FROM input i WHERE i.external_id IS NULL
    ))
), named AS (
    INSERT INTO scim_external_ids AS e (user_id, client, external_id)
    SELECT i.id, i.client, i.external_id FROM input i WHERE i.external_id IS NOT NULL
    ON CONFLICT (user_id, client) DO UPDATE SET external_id = excluded.external_id
    WHERE e.external_id <> excluded.external_id
)
SELECT id, row_version, created_at, updated_at FROM changed"
    )
});

/// Reads what providers wrote of users whose rows are held. A statement behind the one that locked them: only then is
/// nothing older than the lock seen.
pub(super) static HELD: LazyLock<String> = LazyLock::new(|| {
    let external_id = of_external_id("external_id", "i.id", "i.client");
    format!(
        "
SELECT i.id,
       (SELECT c.scim_profile FROM clients c WHERE c.id = i.client),
       (SELECT s.attributes::text FROM scim_users s WHERE s.user_id = i.id),
       {external_id}
FROM unnest($1::uuid[], $2::text[]) AS i (id, client)"
    )
});

/// A column of the name that a client gave to a user. By the index of users and no other: that of names begins with the
/// client, and a plan that was made while there were few would read all of its names. So it is not offered the client.
fn of_external_id(column: &str, user: &str, client: &str) -> String {
    format!(
        "(SELECT e.{column} FROM scim_external_ids e WHERE e.user_id = {user} AND e.client || '' = {client})"
    )
}

/// Reads the users that a condition finds, as the client `$2` reads them. Scalar subqueries and arrays are index lookups
/// whatever the planner believes; joins, to which it turns `IN (SELECT …)`, could read every user, by a plan that was made
/// while there were few.
fn read(condition: &str) -> String {
    let columns = &*USER_COLUMNS;
    let external_id = of_external_id("external_id", "u.id", "$2");
    format!(
        "
SELECT {columns},
       (SELECT s.attributes::text FROM scim_users s WHERE s.user_id = u.id),
       {external_id}
FROM users u
WHERE u.id {condition}"
    )
}

/// By ids.
pub(super) static BY_IDS: LazyLock<String> = LazyLock::new(|| read("= ANY($1)"));

/// By the key of the user name.
pub(super) static BY_USER_NAME: LazyLock<String> = LazyLock::new(|| {
    read(
        "= ANY(ARRAY(SELECT id FROM users WHERE email_key = $1 UNION ALL SELECT user_id FROM scim_users WHERE user_name_key = $1))",
    )
});

/// By the key of an address, `LIMIT`ed: a provider may have given one address to everybody.
pub(super) static BY_EMAIL: LazyLock<String> = LazyLock::new(|| {
    read(
        "= ANY(ARRAY(SELECT id FROM users WHERE email_key = $1
          UNION ALL (SELECT user_id FROM scim_users WHERE email_keys IS NOT NULL AND email_keys @> ARRAY[$1::text] LIMIT 200)))",
    )
});

/// By the client's own name of the user.
pub(super) static BY_EXTERNAL_ID: LazyLock<String> = LazyLock::new(|| {
    read(
        "= ANY(ARRAY(SELECT user_id FROM scim_external_ids WHERE client = $2 AND external_id = $1))",
    )
});

/// The ids of a page by offset, `$1` users of it after `$2`; and with each the number of users in all.
pub(super) fn page_by_offset(field: SortField, descending: bool, by_status: bool) -> String {
    let direction = if descending { "DESC" } else { "ASC" };
    let order = match field {
        SortField::CreatedAt => format!("created_at {direction}, id {direction}"),
        SortField::Name => format!("name_key {direction}, id {direction}"),
        SortField::Email => format!("email_key {direction}"),
    };
    let condition = if by_status { "WHERE status = $3" } else { "" };
    format!(
        "SELECT (SELECT count(*) FROM users {condition}), \
         ARRAY(SELECT id FROM users {condition} ORDER BY {order} LIMIT $1 OFFSET $2)"
    )
}
