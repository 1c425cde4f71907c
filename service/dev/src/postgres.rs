//! From the faults of `dev-postgres` to those of a command.

use dev_postgres::{Error, Reason};

use xtask::failure::{Failure, Kind};

/// The same fault with the exit code that the command line promises for it.
pub fn failure(error: Error) -> Failure {
    let kind = match error.reason {
        Reason::NoBinaries
        | Reason::NoContainer
        | Reason::BuiltWithoutContainers
        | Reason::NoPostgres => Kind::Missing,
        Reason::Unreachable => Kind::Unreachable,
        Reason::Settings => Kind::Usage,
        Reason::InUse => Kind::Refused,
        Reason::Failed => Kind::Check,
    };
    Failure::new(kind, error.what, error.why, error.next)
}
