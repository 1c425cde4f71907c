//! The contestants: Roster, its peers, the limits; one line each.

/// A contestant's stack, which determines how it is built and started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    Roster,
    RustPeer(&'static str),
    Go,
    Fastify,
    Flask { memory: bool },
    HyperConstant,
    Pgbench,
}

impl Family {
    /// Whether it is a peer and not a limit.
    pub(super) fn is_peer(self) -> bool {
        matches!(
            self,
            Self::RustPeer(_) | Self::Go | Self::Fastify | Self::Flask { .. }
        )
    }
}

/// One that is measured.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    pub(super) name: &'static str,
    pub(super) title: &'static str,
    pub(super) family: Family,
}

pub(super) const ROSTER: &str = "roster";
pub(super) const ACTIX: &str = "actix-pipelined";
pub(super) const DEADPOOL: &str = "axum-deadpool";
pub(super) const HYPER: &str = "hyper-constant";
pub(super) const PGBENCH: &str = "pgbench";

/// All of them, in the order of the tables.
pub(super) const ENTRIES: &[Entry] = &[
    entry(ROSTER, "**Roster**", Family::Roster),
    entry(
        ACTIX,
        "actix-web + tokio-postgres, pipelined",
        Family::RustPeer(ACTIX),
    ),
    entry(
        "xitca-pipelined",
        "xitca-http + xitca-postgres, pipelined",
        Family::RustPeer("xitca-pipelined"),
    ),
    entry(
        "ntex-pipelined",
        "ntex + tokio-postgres, pipelined",
        Family::RustPeer("ntex-pipelined"),
    ),
    entry(
        DEADPOOL,
        "axum + tokio-postgres, deadpool",
        Family::RustPeer(DEADPOOL),
    ),
    entry("axum-sqlx", "axum + sqlx", Family::RustPeer("axum-sqlx")),
    entry("go-pgx", "Go net/http + pgx", Family::Go),
    entry("fastify", "Node Fastify + postgres.js", Family::Fastify),
    entry(
        "flask",
        "Flask + gunicorn + psycopg",
        Family::Flask { memory: false },
    ),
    entry(
        "flask-memory",
        "Flask + gunicorn, a list in memory",
        Family::Flask { memory: true },
    ),
    entry(
        HYPER,
        "limit: bare hyper, a constant",
        Family::HyperConstant,
    ),
    entry(PGBENCH, "limit: pgbench -M prepared", Family::Pgbench),
];

const fn entry(name: &'static str, title: &'static str, family: Family) -> Entry {
    Entry {
        name,
        title,
        family,
    }
}

pub(crate) fn names() -> Vec<&'static str> {
    ENTRIES.iter().map(|entry| entry.name).collect()
}
