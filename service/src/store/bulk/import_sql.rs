//! The statements of an import beside those that write users.

use crate::store::columns::USER_COLUMNS;
use std::sync::LazyLock;

/// Begins an import, unless there is one with its key.
pub(super) const BEGIN: &str = "
INSERT INTO imports (id, client, key, fingerprint, started_at, changed_at, digest)
VALUES ($1, $2, $3, $4, $5, $5, $6) ON CONFLICT (client, key) DO NOTHING";

/// The import, or the one that has its key.
pub(super) const READ: &str = "
SELECT id, fingerprint = $4, started_at, finished, records, bytes, digest, created, updated, unchanged, refused, removed
FROM imports WHERE id = $1 OR client = $2 AND key = $3";

/// Moves an import on, if nobody else has meanwhile, and keeps what is reported of the part.
pub(super) const ADVANCE: &str = "
WITH moved AS (
    UPDATE imports SET records = $3, bytes = $4, digest = $5, changed_at = $6,
        created = created + $7, updated = updated + $8, unchanged = unchanged + $9, refused = refused + $10
    WHERE id = $1 AND records = $2
    RETURNING id
), reported AS (
    INSERT INTO import_reports (import, records, content)
    SELECT id, $3, $11::bytea FROM moved WHERE octet_length($11::bytea) > 0
)
SELECT count(*) FROM moved";

/// Remembers the users that a synchronisation has met.
pub(super) const MEET: &str = "
INSERT INTO import_seen (import, seen) SELECT $1, seen FROM unnest($2::uuid[]) AS seen ON CONFLICT DO NOTHING";

/// Remembers addresses that a dry run would have given to new users; which of them are new to it, by their numbers.
pub(super) const TRY: &str = "
WITH input AS (
    SELECT n, encode(substr(sha256(convert_to(email_key, 'UTF8')), 1, 16), 'hex')::uuid AS seen
    FROM unnest($2::text[]) WITH ORDINALITY AS i (email_key, n)
), made AS (
    INSERT INTO import_seen (import, seen) SELECT $1, seen FROM input ON CONFLICT DO NOTHING RETURNING seen
)
SELECT n FROM input JOIN made USING (seen)";

/// Counts removed users.
pub(super) const REMOVED: &str =
    "UPDATE imports SET removed = removed + $2, changed_at = $3 WHERE id = $1";

/// Ends an import.
pub(super) const FINISH: &str = "UPDATE imports SET finished = true WHERE id = $1";

/// Some of what is reported, behind the part that was read last.
pub(super) const READ_REPORT: &str = "
SELECT records, content FROM import_reports WHERE import = $1 AND records > $2 ORDER BY records LIMIT 16";

/// The users that have these keys.
pub(super) static LOOK_UP: LazyLock<String> = LazyLock::new(|| {
    let columns = &*USER_COLUMNS;
    format!("SELECT {columns}, email_key FROM users WHERE email_key = ANY($1)")
});

/// The condition of users that were there before the import `$1` began at `$2`, and are not in it. `$3` leaves out the
/// suspended ones.
const ABSENT: &str = "u.created_at < $2 AND (NOT $3::boolean OR u.status = 'active')
    AND NOT EXISTS (SELECT FROM import_seen s WHERE s.import = $1 AND s.seen = u.id)";

/// How many users are absent.
pub(super) static COUNT_ABSENT: LazyLock<String> =
    LazyLock::new(|| format!("SELECT count(*) FROM users u WHERE {ABSENT}"));

/// The next users that are absent, in the order of their ids behind `$4`.
pub(super) static READ_ABSENT: LazyLock<String> = LazyLock::new(|| {
    let columns = &*USER_COLUMNS;
    format!(
        "SELECT {columns} FROM users u WHERE id > $4 AND {ABSENT} ORDER BY id LIMIT {REMOVE_AT_A_TIME}"
    )
});

/// How many users are removed in one transaction.
const REMOVE_AT_A_TIME: usize = 100;

/// Removes some rows of imports that need them no more; `$1` is when they were changed last, at the latest.
pub(super) const SWEEP_SEEN: &str = "
DELETE FROM import_seen WHERE ctid = ANY(ARRAY(
    SELECT s.ctid FROM imports i JOIN import_seen s ON s.import = i.id WHERE i.finished OR i.changed_at < $1 LIMIT $2))";

/// Removes some reports of imports that were changed before `$1`.
pub(super) const SWEEP_REPORTS: &str = "
DELETE FROM import_reports WHERE ctid = ANY(ARRAY(
    SELECT r.ctid FROM imports i JOIN import_reports r ON r.import = i.id WHERE i.changed_at < $1 LIMIT $2))";

/// Removes some imports that were changed before `$1` and have no rows left.
pub(super) const SWEEP_IMPORTS: &str = "
DELETE FROM imports WHERE id = ANY(ARRAY(
    SELECT i.id FROM imports i WHERE i.changed_at < $1
      AND NOT EXISTS (SELECT FROM import_seen s WHERE s.import = i.id)
      AND NOT EXISTS (SELECT FROM import_reports r WHERE r.import = i.id) LIMIT $2))";
