//! The statements of a write transaction. Each takes arrays, one element for each write, and answers for each by its id.

use super::columns::{assignments, input, profile, user_input_with_derived, written};
use super::work::Mode;
use std::sync::LazyLock;

/// Begins the transaction of a batch and takes the advisory lock; answers whether it was free.
pub(super) const BEGIN_LOCKED: &str = "BEGIN; SELECT CASE WHEN pg_try_advisory_xact_lock(5931894172722287106) THEN true \
     ELSE pg_advisory_xact_lock(5931894172722287106)::text IS NULL END";

/// Opens the transaction of one write, which waits for its row first.
pub(super) const BEGIN: &str = "BEGIN";

/// Takes the advisory lock once the row is held, so that no other transaction waits for that row.
pub(super) const LOCK: &str = "SELECT pg_advisory_xact_lock(5931894172722287106)";

/// Creates users whose address is free; returns the ids of those that it created.
pub(super) static CREATE: LazyLock<String> = LazyLock::new(|| {
    let input = input(&[&user_input_with_derived()]);
    let created = created("input");
    format!("WITH input AS (SELECT * FROM {input}), {created} SELECT id FROM created")
});

/// Common table expressions that insert the users of `from`, which is `input` or a part of it, and feed those whose address
/// was free, `created`.
pub(super) fn created(from: &str) -> String {
    let (of_created, profile, written) = (profile("c."), profile(""), written(""));
    format!(
        "created AS (
    INSERT INTO users (id, {written}, row_version, created_at, updated_at)
    SELECT id, {written}, 1, at, at FROM {from} ORDER BY email_key, ordinal
    ON CONFLICT (email_key) DO NOTHING
    RETURNING id, {profile}, created_at
), fed AS (
    INSERT INTO user_changes (kind, at, user_id, {profile}, row_version, created_at, actor)
    SELECT 'created', c.created_at, c.id, {of_created}, 1, c.created_at, i.actor
    FROM created c JOIN input i ON i.id = c.id
)"
    )
}

/// A new version. Drawn at random, it names a change in every history of the database (docs/adr/0064): a number that counts
/// is given out again after a restore. PostgreSQL seeds each session from the system's random source.
pub(super) const NEW_VERSION: &str = "1 + (random() * 9007199254740991)::bigint";

/// Waits for the row of a single write before the advisory lock is taken, so that no other transaction waits for it.
pub(super) const WAIT: &str = "SELECT FROM users WHERE id = $1 FOR UPDATE";

/// Whether a user is in the snapshot, looked up only when it is not held. Not EXISTS, for which the plan could be to read
/// all of the table, made while that was small.
pub(super) const IS_THERE: &str =
    "h.id IS NOT NULL OR (SELECT true FROM users u WHERE u.id = i.id) IS NOT NULL";

/// Replaces profiles where the user is at the expected version and something differs.
pub(super) fn replace(mode: Mode) -> &'static str {
    static SQL: [LazyLock<String>; 2] = [
        LazyLock::new(|| replace_sql(Mode::Batch)),
        LazyLock::new(|| replace_sql(Mode::Single)),
    ];
    &SQL[usize::from(mode == Mode::Single)]
}

fn replace_sql(mode: Mode) -> String {
    let single = mode == Mode::Single;
    let (skip, may_change_email) = if single {
        ("", "true")
    } else {
        ("SKIP LOCKED", "h.email_key = i.email_key")
    };
    let input = input(&[&user_input_with_derived(), &[("expected", "bigint")]]);
    let (names, of_input, held) = (profile(""), profile("i."), profile("h."));
    let assignments = assignments("i.");
    format!(
        "
WITH input AS (
    SELECT * FROM {input}
), held AS MATERIALIZED (
    SELECT id, row_version, created_at, updated_at, email_key, {names}
    FROM users WHERE id = ANY($1) ORDER BY id FOR NO KEY UPDATE {skip}
), changed AS (
    UPDATE users u SET
        {assignments}, row_version = {NEW_VERSION}, updated_at = GREATEST(i.at, u.updated_at + interval '1 microsecond'),
        search_grams = CASE WHEN (u.name_key, u.email_key) = (i.name_key, i.email_key) THEN u.search_grams
                            ELSE i.search_grams END
    FROM input i JOIN held h ON h.id = i.id
    WHERE u.id = i.id AND (i.expected IS NULL OR h.row_version = i.expected) AND {may_change_email}
      AND ({held}) IS DISTINCT FROM ({of_input})
    RETURNING u.id, u.row_version, u.created_at, u.updated_at
), fed AS (
    INSERT INTO user_changes (kind, at, user_id, {names}, row_version, created_at, actor)
    SELECT 'updated', c.updated_at, c.id, {of_input}, c.row_version, c.created_at, i.actor
    FROM changed c JOIN input i ON i.id = c.id
)
SELECT i.id, {IS_THERE}, h.id IS NOT NULL, h.row_version = i.expected, {single} OR h.email_key = i.email_key,
       COALESCE(c.row_version, h.row_version), h.created_at, COALESCE(c.updated_at, h.updated_at)
FROM input i
LEFT JOIN held h ON h.id = i.id
LEFT JOIN changed c ON c.id = i.id"
    )
}

/// Removes users that are at the expected version.
pub(super) fn delete(mode: Mode) -> &'static str {
    static SQL: [LazyLock<String>; 2] = [
        LazyLock::new(|| delete_sql(Mode::Batch)),
        LazyLock::new(|| delete_sql(Mode::Single)),
    ];
    &SQL[usize::from(mode == Mode::Single)]
}

fn delete_sql(mode: Mode) -> String {
    let skip = match mode {
        Mode::Batch => "SKIP LOCKED",
        Mode::Single => "",
    };
    let input = input(&[&[
        ("id", "uuid"),
        ("at", "timestamptz"),
        ("actor", "text"),
        ("expected", "bigint"),
    ]]);
    format!(
        "
WITH input AS (
    SELECT * FROM {input}
), held AS MATERIALIZED (
    SELECT id, row_version FROM users WHERE id = ANY($1) ORDER BY id FOR UPDATE {skip}
), deleted AS (
    DELETE FROM users u USING input i JOIN held h ON h.id = i.id
    WHERE u.id = i.id AND (i.expected IS NULL OR h.row_version = i.expected)
    RETURNING u.id, i.at, i.actor
), fed AS (
    INSERT INTO user_changes (kind, at, user_id, row_version, actor)
    SELECT 'deleted', at, id, {NEW_VERSION}, actor FROM deleted
)
SELECT i.id, {IS_THERE}, h.id IS NOT NULL, d.id IS NOT NULL
FROM input i
LEFT JOIN held h ON h.id = i.id
LEFT JOIN deleted d ON d.id = i.id"
    )
}
