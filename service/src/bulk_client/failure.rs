//! Why a command fails: what, why, and what to do next.

use crate::config::ConfigError;
use std::fmt;

/// Why an export or an import was not made.
#[derive(Debug)]
pub struct BulkError {
    what: String,
    next: String,
    /// Whether a flag, a setting or the file is wrong.
    pub is_usage: bool,
}

impl BulkError {
    /// `what` went wrong, and `next` is what to do.
    pub(super) fn new(what: impl Into<String>, next: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            next: next.into(),
            is_usage: false,
        }
    }

    /// A flag, a setting or the file is wrong.
    pub(super) fn usage(what: impl Into<String>, next: impl Into<String>) -> Self {
        Self {
            is_usage: true,
            ..Self::new(what, next)
        }
    }
}

impl fmt::Display for BulkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\nnext: {}", self.what, self.next)
    }
}

impl std::error::Error for BulkError {}

impl From<ConfigError> for BulkError {
    fn from(error: ConfigError) -> Self {
        Self::usage(error.to_string(), "correct the setting")
    }
}
