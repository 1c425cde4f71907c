//! Filters as text again: tests and fuzzing parse what they print.

use super::{Filter, Literal};
use std::fmt::{Display, Formatter, Result};

impl Filter {
    /// Prints an operand, in parentheses where the tree could not be read from the text otherwise.
    fn fmt_operand(&self, formatter: &mut Formatter<'_>, of_or: bool) -> Result {
        match self {
            Self::Or(_) => write!(formatter, "({self})"),
            Self::And(_) if !of_or => write!(formatter, "({self})"),
            _ => write!(formatter, "{self}"),
        }
    }
}

impl Display for Filter {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> Result {
        match self {
            Self::And(parts) | Self::Or(parts) => {
                let of_or = matches!(self, Self::Or(_));
                for (index, part) in parts.iter().enumerate() {
                    if index > 0 {
                        formatter.write_str(if of_or { " or " } else { " and " })?;
                    }
                    part.fmt_operand(formatter, of_or)?;
                }
                Ok(())
            }
            Self::Not(inner) => write!(formatter, "not ({inner})"),
            Self::Present(path) => write!(formatter, "{path} pr"),
            Self::Compare {
                path,
                operator,
                value,
            } => write!(formatter, "{path} {} {value}", operator.as_str()),
            Self::ValuePath { path, filter } => write!(formatter, "{path}[{filter}]"),
        }
    }
}

impl Display for Literal {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> Result {
        match self {
            Self::String(text) => write!(formatter, "{}", serde_json::Value::from(text.as_str())),
            Self::Number(number) => write!(formatter, "{number}"),
            Self::Boolean(value) => write!(formatter, "{value}"),
            Self::Null => formatter.write_str("null"),
        }
    }
}
