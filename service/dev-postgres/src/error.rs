//! Errors of this crate: what failed, why, and what to do next.

/// The kind of an error, for callers that act on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// There are no server binaries on this machine.
    NoBinaries,
    /// No container could be started.
    NoContainer,
    /// A container is needed, and this program was built without the feature `containers`.
    BuiltWithoutContainers,
    /// The prebuilt binaries are not on this machine: `cargo xtask` downloads them.
    NotDownloaded,
    /// The server in `DATABASE_URL` does not respond.
    Unreachable,
    /// A setting is wrong.
    Settings,
    /// The data belongs to another running process, or to another version.
    InUse,
    /// Anything else.
    Failed,
}

/// An error that a person can act on.
#[derive(Debug, thiserror::Error)]
#[error("{what}: {why}")]
pub struct Error {
    pub reason: Reason,
    /// One sentence: what failed.
    pub what: String,
    /// The cause, if known.
    pub why: String,
    /// What to do about it.
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

    /// A file system error, with its path.
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

/// The server in `DATABASE_URL` does not respond. The URL is not shown, because it contains a password.
pub(crate) fn given_unreachable(error: &Error) -> Error {
    Error::new(
        Reason::Unreachable,
        "the PostgreSQL in DATABASE_URL does not respond",
        error.why.clone(),
        "start that server or correct DATABASE_URL; unset it to start a private server",
    )
}
