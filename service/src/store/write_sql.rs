//! The statements of a write transaction. Each takes arrays, one element for each write, and answers for each by its id.

use super::work::Mode;
use std::sync::LazyLock;

/// Listens for the notification that every transaction with a change sends as it commits.
pub(super) const LISTEN: &str = "LISTEN roster_changes";

/// Opens the transaction of many writes.
pub(super) const BEGIN: &str =
    "BEGIN; SELECT pg_advisory_xact_lock(5931894172722287106); NOTIFY roster_changes";

/// Opens the transaction of one write, which waits for its row first.
pub(super) const BEGIN_ALONE: &str = "BEGIN";

/// Takes the advisory lock once the row is held, so that nobody else waits for that row.
pub(super) const LOCK: &str =
    "SELECT pg_advisory_xact_lock(5931894172722287106); NOTIFY roster_changes";

/// Creates users whose address is free.
pub(super) const CREATE: &str = "
WITH input AS (
    SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[],
                         $9::text[], $10::timestamptz[], $11::tsvector[]) WITH ORDINALITY
        AS i (id, email, email_key, name, name_key, phone, title, department, status, at, grams, ordinal)
), created AS (
    INSERT INTO users (id, email, email_key, name, name_key, phone, title, department, status,
                       row_version, created_at, updated_at, search_grams)
    SELECT id, email, email_key, name, name_key, phone, title, department, status,
           1, at, at, grams
    FROM input ORDER BY email_key, ordinal
    ON CONFLICT (email_key) DO NOTHING
    RETURNING id, email, name, phone, title, department, status, created_at
), fed AS (
    INSERT INTO user_changes (kind, at, user_id, email, name, phone, title, department, status, row_version, created_at)
    SELECT 'created', created_at, id, email, name, phone, title, department, status, 1, created_at FROM created
)
SELECT id FROM created";

/// Claims idempotency keys that nobody has claimed.
pub(super) const CLAIM: &str = "
INSERT INTO idempotency_keys (client, key, fingerprint, user_id, email, name, phone, title, department, status, created_at)
SELECT * FROM unnest($1::text[], $2::text[], $3::bytea[], $4::uuid[], $5::text[], $6::text[], $7::text[], $8::text[],
                     $9::text[], $10::text[], $11::timestamptz[])
ON CONFLICT (client, key) DO NOTHING";

/// Runs after [`CLAIM`]: only attempts that hold their key create anything, the others learn what the holder's led to.
pub(super) const CREATE_CLAIMED: &str = "
WITH input AS (
    SELECT i.*, k.user_id = i.id AS holds
    FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[],
                $9::text[], $10::timestamptz[], $11::tsvector[], $12::text[], $13::text[], $14::bytea[]) WITH ORDINALITY
        AS i (id, email, email_key, name, name_key, phone, title, department, status, at, grams, client, key, fingerprint, ordinal)
    JOIN idempotency_keys k ON k.client = i.client AND k.key = i.key
), created AS (
    INSERT INTO users (id, email, email_key, name, name_key, phone, title, department, status,
                       row_version, created_at, updated_at, search_grams)
    SELECT id, email, email_key, name, name_key, phone, title, department, status,
           1, at, at, grams
    FROM input WHERE holds ORDER BY email_key, ordinal
    ON CONFLICT (email_key) DO NOTHING
    RETURNING id, email, name, phone, title, department, status, created_at
), fed AS (
    INSERT INTO user_changes (kind, at, user_id, email, name, phone, title, department, status, row_version, created_at)
    SELECT 'created', created_at, id, email, name, phone, title, department, status, 1, created_at FROM created
), taken AS (
    UPDATE idempotency_keys k SET email_taken = true FROM input i
    WHERE i.holds AND k.client = i.client AND k.key = i.key AND NOT EXISTS (SELECT FROM created c WHERE c.id = i.id)
)
SELECT i.id, i.holds, c.id IS NOT NULL, k.fingerprint = i.fingerprint, k.email_taken, k.user_id,
       k.email, k.name, k.phone, k.title, k.department, k.status, k.created_at
FROM input i
JOIN idempotency_keys k ON k.client = i.client AND k.key = i.key
LEFT JOIN created c ON c.id = i.id";

/// Waits for the row of a single write before the advisory lock is taken, so that nobody else waits for it.
pub(super) const WAIT: &str = "SELECT FROM users WHERE id = $1 FOR UPDATE";

/// Whether a user is in the snapshot, looked up only when it is not held. Not EXISTS, for which the plan could be to read
/// all of the table, made while that was small.
const IS_THERE: &str =
    "h.id IS NOT NULL OR (SELECT true FROM users u WHERE u.id = i.id) IS NOT NULL";

/// Replaces profiles where the condition holds and something differs.
pub(super) fn replace(mode: Mode) -> &'static str {
    static SQL: [LazyLock<String>; 2] = [
        LazyLock::new(|| replace_sql(Mode::Together)),
        LazyLock::new(|| replace_sql(Mode::Alone)),
    ];
    &SQL[usize::from(mode == Mode::Alone)]
}

fn replace_sql(mode: Mode) -> String {
    let alone = mode == Mode::Alone;
    let (skip, may_change_email) = if alone {
        ("", "true")
    } else {
        ("SKIP LOCKED", "h.email_key = i.email_key")
    };
    format!(
        "
WITH input AS (
    SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[],
                         $9::text[], $10::text[], $11::timestamptz[], $12::tsvector[])
        AS i (id, expected, email, email_key, name, name_key, phone, title, department, status, at, grams)
), held AS MATERIALIZED (
    SELECT id, row_version, created_at, updated_at, email, email_key, name, phone, title, department, status
    FROM users WHERE id = ANY($1) ORDER BY id FOR NO KEY UPDATE {skip}
), changed AS (
    UPDATE users u SET
        email = i.email, email_key = i.email_key, name = i.name, name_key = i.name_key, phone = i.phone, title = i.title,
        department = i.department, status = i.status,
        row_version = u.row_version + 1, updated_at = GREATEST(i.at, u.updated_at),
        search_grams = CASE WHEN (u.name_key, u.email_key) = (i.name_key, i.email_key) THEN u.search_grams
                            ELSE i.grams END
    FROM input i JOIN held h ON h.id = i.id
    WHERE u.id = i.id AND (i.expected IS NULL OR h.row_version = i.expected) AND {may_change_email}
      AND (h.email, h.name, h.phone, h.title, h.department, h.status)
          IS DISTINCT FROM (i.email, i.name, i.phone, i.title, i.department, i.status)
    RETURNING u.id, u.row_version, u.created_at, u.updated_at
), fed AS (
    INSERT INTO user_changes (kind, at, user_id, email, name, phone, title, department, status, row_version, created_at)
    SELECT 'updated', c.updated_at, c.id, i.email, i.name, i.phone, i.title, i.department, i.status, c.row_version, c.created_at
    FROM changed c JOIN input i ON i.id = c.id
)
SELECT i.id, {IS_THERE}, h.id IS NOT NULL, h.row_version = i.expected, h.email_key = i.email_key,
       COALESCE(c.row_version, h.row_version), h.created_at, COALESCE(c.updated_at, h.updated_at), {alone}
FROM input i
LEFT JOIN held h ON h.id = i.id
LEFT JOIN changed c ON c.id = i.id"
    )
}

/// Removes users where the condition holds.
pub(super) fn delete(mode: Mode) -> &'static str {
    static SQL: [LazyLock<String>; 2] = [
        LazyLock::new(|| delete_sql(Mode::Together)),
        LazyLock::new(|| delete_sql(Mode::Alone)),
    ];
    &SQL[usize::from(mode == Mode::Alone)]
}

fn delete_sql(mode: Mode) -> String {
    let skip = if mode == Mode::Together {
        "SKIP LOCKED"
    } else {
        ""
    };
    format!(
        "
WITH input AS (
    SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::timestamptz[]) AS i (id, expected, at)
), held AS MATERIALIZED (
    SELECT id, row_version FROM users WHERE id = ANY($1) ORDER BY id FOR UPDATE {skip}
), deleted AS (
    DELETE FROM users u USING input i JOIN held h ON h.id = i.id
    WHERE u.id = i.id AND (i.expected IS NULL OR h.row_version = i.expected)
    RETURNING u.id, i.at
), fed AS (
    INSERT INTO user_changes (kind, at, user_id) SELECT 'deleted', at, id FROM deleted
)
SELECT i.id, {IS_THERE}, h.id IS NOT NULL, d.id IS NOT NULL
FROM input i
LEFT JOIN held h ON h.id = i.id
LEFT JOIN deleted d ON d.id = i.id"
    )
}
