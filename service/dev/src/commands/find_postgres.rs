//! For `cargo xtask doctor`: which PostgreSQL `dev` would use, or how to get one.

use dev_postgres::{DevPostgres, Options};

/// Prints `found …`, or `missing …` with what to do, on one line.
pub(crate) fn run() {
    let planned = Options::for_tests().and_then(|options| DevPostgres::planned(&options));
    match planned {
        Ok(found) => printing::println!("found {found}"),
        Err(error) => printing::println!("missing {}", error.next.replace('\n', "; ")),
    }
}
