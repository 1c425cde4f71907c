//! Errors of `dev-postgres` as failures of a command.

use dev_postgres::{Error, Reason};
use xtask::failure::{Failure, Kind};

/// The same error with its documented exit code.
pub fn failure(error: Error) -> Failure {
    let kind = match error.reason {
        Reason::NoBinaries
        | Reason::NoContainer
        | Reason::BuiltWithoutContainers
        | Reason::NotDownloaded => Kind::Missing,
        Reason::Unreachable => Kind::Unreachable,
        Reason::Settings => Kind::Usage,
        Reason::InUse => Kind::Refused,
        Reason::Failed => Kind::Check,
    };
    Failure::new(kind, error.what, error.why, error.next)
}
