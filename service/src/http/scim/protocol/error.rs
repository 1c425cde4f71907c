//! How a request that SCIM does not allow is refused (RFC 7644, 3.12).

use thiserror::Error;

/// The words of `scimType` (RFC 7644, table 9; RFC 9865, 3) that this server has a use for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::http) enum ScimType {
    /// The filter is malformed, or compares what cannot be compared.
    InvalidFilter,
    /// The answer would be too large, or too costly.
    TooMany,
    /// Another resource has the value already.
    Uniqueness,
    /// The attribute cannot be changed.
    Mutability,
    /// The body is not a message of SCIM.
    InvalidSyntax,
    /// The path is malformed, or does not fit the attribute.
    InvalidPath,
    /// The path selects nothing.
    NoTarget,
    /// A value is missing, or has the wrong type.
    InvalidValue,
    /// The cursor is not one of this server's.
    InvalidCursor,
    /// The cursor is too old.
    ExpiredCursor,
    /// The count is not one that cursors work with.
    InvalidCount,
}

impl ScimType {
    /// The word as it is sent.
    pub(in crate::http) const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidFilter => "invalidFilter",
            Self::TooMany => "tooMany",
            Self::Uniqueness => "uniqueness",
            Self::Mutability => "mutability",
            Self::InvalidSyntax => "invalidSyntax",
            Self::InvalidPath => "invalidPath",
            Self::NoTarget => "noTarget",
            Self::InvalidValue => "invalidValue",
            Self::InvalidCursor => "invalidCursor",
            Self::ExpiredCursor => "expiredCursor",
            Self::InvalidCount => "invalidCount",
        }
    }
}

/// A refusal: its kind, and one sentence for the client.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{detail}")]
pub(in crate::http) struct ScimError {
    /// The kind.
    pub(in crate::http) scim_type: ScimType,
    /// Names attributes and positions, never a whole value.
    pub(in crate::http) detail: String,
}

impl ScimError {
    /// A refusal with this sentence.
    pub(in crate::http) fn new(scim_type: ScimType, detail: impl Into<String>) -> Self {
        Self {
            scim_type,
            detail: detail.into(),
        }
    }
}

/// What a client sent, short enough for a sentence.
pub(super) fn excerpt(raw: &str) -> String {
    const LONGEST: usize = 64;
    match raw.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &raw[..end]),
        None => raw.to_owned(),
    }
}
