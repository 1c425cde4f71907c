//! For `cargo xtask doctor`: which PostgreSQL `dev` would use, or how to get one.

use dev_postgres::DevPostgres;

/// Prints `found …`, or `missing …` with what to do, on one line.
pub(crate) fn run() {
    match DevPostgres::installed() {
        Ok(found) => printing::println!("found {found}"),
        Err(error) => printing::println!("missing {}", error.next.replace('\n', "; ")),
    }
}
