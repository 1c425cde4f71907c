//! `cargo xtask e2e upgrade-database`: the directory moves to a newer PostgreSQL, by a dump or by logical replication,
//! and nothing that its clients hold is lost. The steps are those of docs/operations.md.

mod databases;
mod dump;
mod held;
mod replication;

use anyhow::Result;
use clap::ValueEnum;

use xtask::interrupt;

/// How the data move.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Way {
    /// `pg_dump` and `psql`, while no Roster runs.
    Dump,
    /// Logical replication, and a switch-over under load.
    Replication,
}

/// Upgrades in these ways, one after the other; in all of them when none is given.
pub(crate) fn run(ways: &[Way], from: u32, to: u32) -> Result<()> {
    interrupt::watch()?;
    let ways = if ways.is_empty() {
        Way::value_variants()
    } else {
        ways
    };
    for way in ways {
        match way {
            Way::Dump => dump::run(from, to)?,
            Way::Replication => replication::run(from, to)?,
        }
    }
    Ok(())
}
