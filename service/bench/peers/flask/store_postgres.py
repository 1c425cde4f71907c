"""The users in PostgreSQL, by psycopg's pool; psycopg prepares what is asked often by itself."""

import atexit
import os

from psycopg.errors import UniqueViolation
from psycopg.rows import dict_row
from psycopg_pool import ConnectionPool

COLUMNS = "id, email, name, phone, title, department, status, created_at, updated_at"

pool = ConnectionPool(
    os.environ["DATABASE_URL"],
    min_size=8,
    max_size=8,
    kwargs={"row_factory": dict_row, "autocommit": True, "options": "-c TimeZone=UTC"},
)
atexit.register(pool.close)


def answer(row):
    if row is not None:
        row["id"] = str(row["id"])
        for field in ("created_at", "updated_at"):
            row[field] = row[field].isoformat(timespec="microseconds").replace("+00:00", "Z")
    return row


def grams(*keys):
    """What the search index holds: every run of three characters, and the last two."""
    return [gram for key in keys for gram in [*(key[i : i + 3] for i in range(len(key) - 2)), key[-2:]]]


def keyed(user_id, profile):
    email_key, name_key = profile["email"].lower(), profile["name"].lower()
    return profile | {"id": user_id, "email_key": email_key, "name_key": name_key, "grams": grams(name_key, email_key)}


def read(user_id):
    with pool.connection() as connection:
        return answer(connection.execute(f"SELECT {COLUMNS} FROM users WHERE id = %s", (user_id,)).fetchone())


def list_users(limit):
    with pool.connection() as connection:
        rows = connection.execute(f"SELECT {COLUMNS} FROM users ORDER BY created_at, id LIMIT %s", (limit,))
        return [answer(row) for row in rows]


def create(user_id, profile):
    statement = f"""
        INSERT INTO users (id, email, email_key, name, name_key, phone, title, department, status,
            search_grams, row_version, created_at, updated_at)
        VALUES (%(id)s, %(email)s, %(email_key)s, %(name)s, %(name_key)s, %(phone)s, %(title)s, %(department)s,
            %(status)s, array_to_tsvector(%(grams)s::text[]), 1, now(), now()) RETURNING {COLUMNS}"""
    try:
        with pool.connection() as connection:
            return answer(connection.execute(statement, keyed(user_id, profile)).fetchone())
    except UniqueViolation:
        return None


def replace(user_id, profile):
    statement = f"""
        UPDATE users SET email = %(email)s, email_key = %(email_key)s, name = %(name)s, name_key = %(name_key)s,
            phone = %(phone)s, title = %(title)s, department = %(department)s, status = %(status)s,
            search_grams = array_to_tsvector(%(grams)s::text[]), row_version = row_version + 1, updated_at = now()
        WHERE id = %(id)s RETURNING {COLUMNS}"""
    with pool.connection() as connection:
        return answer(connection.execute(statement, keyed(user_id, profile)).fetchone())
