//! Filters (RFC 7644, 3.4.2.2): the whole grammar as a tree, and whether a resource matches.
//!
//! `parser` bounds length and depth; `evaluate` knows the types and the case sensitivity of declared attributes.

mod comparison;
mod evaluate;
mod parser;
mod tokens;

use super::error::ScimError;
use super::path::AttributePath;
use serde_json::Number;

/// The longest filter, in bytes.
pub(in crate::http) const MAX_FILTER_BYTES: usize = 4096;
/// How deep parentheses and brackets may nest.
pub(in crate::http) const MAX_FILTER_DEPTH: usize = 16;

/// A filter.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::http) enum Filter {
    /// All of two or more.
    And(Vec<Filter>),
    /// One or more of two or more.
    Or(Vec<Filter>),
    /// The opposite.
    Not(Box<Filter>),
    /// The attribute has a value.
    Present(AttributePath),
    /// The attribute, or one of its values, compares as the operator says.
    Compare {
        /// Which attribute.
        path: AttributePath,
        /// How it is compared.
        operator: Operator,
        /// With what.
        value: Literal,
    },
    /// One value of a multi-valued attribute matches the filter, whose paths are relative to the value.
    ValuePath {
        /// Which attribute.
        path: AttributePath,
        /// What its value must match.
        filter: Box<Filter>,
    },
}

/// How values are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::http) enum Operator {
    /// Equal.
    Eq,
    /// Not equal.
    Ne,
    /// Contains.
    Co,
    /// Starts with.
    Sw,
    /// Ends with.
    Ew,
    /// Greater.
    Gt,
    /// Greater or equal.
    Ge,
    /// Less.
    Lt,
    /// Less or equal.
    Le,
}

impl Operator {
    /// Every operator with a value.
    pub(in crate::http) const ALL: [Self; 9] = [
        Self::Eq,
        Self::Ne,
        Self::Co,
        Self::Sw,
        Self::Ew,
        Self::Gt,
        Self::Ge,
        Self::Lt,
        Self::Le,
    ];

    /// The word in a filter.
    pub(in crate::http) const fn as_str(self) -> &'static str {
        match self {
            Self::Eq => "eq",
            Self::Ne => "ne",
            Self::Co => "co",
            Self::Sw => "sw",
            Self::Ew => "ew",
            Self::Gt => "gt",
            Self::Ge => "ge",
            Self::Lt => "lt",
            Self::Le => "le",
        }
    }

    /// Reads the word, in any case.
    fn parse(raw: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|operator| operator.as_str().eq_ignore_ascii_case(raw))
    }

    /// Whether it looks for a part of a string.
    fn is_substring(self) -> bool {
        matches!(self, Self::Co | Self::Sw | Self::Ew)
    }

    /// Whether it needs an order of values.
    fn is_ordering(self) -> bool {
        matches!(self, Self::Gt | Self::Ge | Self::Lt | Self::Le)
    }
}

/// What an attribute is compared with.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::http) enum Literal {
    /// A JSON string, also one that holds a `dateTime`.
    String(String),
    /// A JSON number.
    Number(Number),
    /// `true` or `false`.
    Boolean(bool),
    /// `null`: no value.
    Null,
}

impl Literal {
    /// The string, if it is one.
    pub(in crate::http) fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// The truth value, also of the strings `"True"` and `"False"` that some providers send.
    pub(in crate::http) fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Boolean(value) => Some(*value),
            Self::String(text) if text.eq_ignore_ascii_case("true") => Some(true),
            Self::String(text) if text.eq_ignore_ascii_case("false") => Some(false),
            _ => None,
        }
    }
}

/// A path with a value filter, as patches have it: `emails[type eq "work"].value`.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct FilteredPath {
    /// The multi-valued attribute.
    pub(super) path: AttributePath,
    /// Which of its values.
    pub(super) filter: Filter,
    /// The part of the values, as the client wrote it.
    pub(super) sub: Option<String>,
}

impl Filter {
    /// Reads a filter of at most [`MAX_FILTER_BYTES`].
    ///
    /// # Errors
    /// `invalidFilter` with the position, counted in characters from 1.
    pub(in crate::http) fn parse(raw: &str) -> Result<Self, ScimError> {
        parser::parse(raw)
    }

    /// What must be equal for the filter to hold, when it is `eq`s joined by `and`.
    pub(super) fn equalities(&self) -> Option<Vec<(&AttributePath, &Literal)>> {
        match self {
            Self::Compare {
                path,
                operator: Operator::Eq,
                value,
            } => Some(vec![(path, value)]),
            Self::And(parts) => {
                let mut all = Vec::new();
                for part in parts {
                    all.extend(part.equalities()?);
                }
                Some(all)
            }
            _ => None,
        }
    }
}

impl FilteredPath {
    /// Reads the path of a patch that has a value filter.
    ///
    /// # Errors
    /// `invalidPath` or `invalidFilter` with a sentence.
    pub(super) fn parse(raw: &str) -> Result<Self, ScimError> {
        parser::parse_filtered_path(raw)
    }
}

#[cfg(any(test, fuzzing))]
mod printed;
#[cfg(test)]
mod tests;
