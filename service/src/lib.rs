//! Roster: a user directory over HTTP, kept in `PostgreSQL`.
