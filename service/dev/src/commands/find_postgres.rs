//! For `cargo xtask doctor`: which PostgreSQL `dev` would use, or how to get one.

use anyhow::Result;
use dev_postgres::DevPostgres;

/// Prints `found …`, or `missing …` with what to do, on one line.
pub(crate) fn run() -> Result<()> {
    match DevPostgres::installed() {
        Ok(found) => println!("found {found}"),
        Err(error) => println!("missing {}", error.next.replace('\n', "; ")),
    }
    Ok(())
}
