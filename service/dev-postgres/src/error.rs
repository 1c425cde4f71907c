//! Why there is no PostgreSQL: what happened, why, and what to do next.

/// What kind of fault it was, for callers that act on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// There are no server binaries on this machine.
    NoBinaries,
    /// No container could be started.
    NoContainer,
    /// A container is needed, and this program was built without the feature `containers`.
    BuiltWithoutContainers,
    /// There is neither.
    NoPostgres,
    /// The server that was named does not answer.
    Unreachable,
    /// A setting is wrong.
    Settings,
    /// The data belong to another process that still runs, or to another version.
    InUse,
    /// Anything else.
    Failed,
}

/// A fault that a person can act on.
#[derive(Debug, thiserror::Error)]
#[error("{what}: {why}")]
pub struct Error {
    /// The kind of fault.
    pub reason: Reason,
    /// One sentence: what did not work.
    pub what: String,
    /// The cause, as far as it is known.
    pub why: String,
    /// What the reader can do about it.
    pub next: String,
}

impl Error {
    pub(crate) fn new(
        reason: Reason,
        what: impl Into<String>,
        why: impl Into<String>,
        next: impl Into<String>,
    ) -> Self {
        Self {
            reason,
            what: what.into(),
            why: why.into(),
            next: next.into(),
        }
    }

    /// A fault of the file system, with the path it is about.
    pub(crate) fn file(what: &str, path: &std::path::Path, error: &std::io::Error) -> Self {
        let what = format!("cannot {what} {}", path.display());
        Self::new(
            Reason::Failed,
            what,
            error.to_string(),
            "check the folder's owner and free space",
        )
    }
}

/// The server of `DATABASE_URL` does not answer. The URL itself is not shown: it holds a password.
pub(crate) fn given_unreachable(error: &Error) -> Error {
    Error::new(
        Reason::Unreachable,
        "the PostgreSQL that DATABASE_URL names does not answer",
        error.why.clone(),
        "start that server or correct DATABASE_URL; unset it to have a private server started for you",
    )
}
