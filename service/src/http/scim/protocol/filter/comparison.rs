//! What an attribute can be compared with.

use super::super::attribute::{Attribute, Kind};
use super::super::datetime;
use super::tokens::Token;
use super::{Literal, Operator};
use serde_json::Number;

/// The literal that a token stands for.
pub(super) fn literal(token: Token<'_>) -> Option<Literal> {
    match token {
        Token::Text(text) => Some(Literal::String(text)),
        Token::Word("true") => Some(Literal::Boolean(true)),
        Token::Word("false") => Some(Literal::Boolean(false)),
        Token::Word("null") => Some(Literal::Null),
        Token::Word(word) => number(word).map(Literal::Number),
        _ => None,
    }
}

/// A JSON number. `serde_json` knows the grammar, but rounds some fractions to a neighbour of the nearest one.
fn number(word: &str) -> Option<Number> {
    let number: Number = serde_json::from_str(word).ok()?;
    if number.is_f64() {
        return Number::from_f64(word.parse().ok()?);
    }
    Some(number)
}

/// Why the attribute cannot be compared so (RFC 7644, table 3 and `invalidFilter` in table 9).
pub(super) fn mismatch(
    attribute: Option<&Attribute>,
    operator: Operator,
    value: &Literal,
) -> Option<&'static str> {
    let kind = attribute.map(|attribute| attribute.kind);
    if operator.is_substring() && value.as_str().is_none() {
        return Some("can be searched for a string alone");
    }
    if operator.is_ordering() && matches!(value, Literal::Boolean(_) | Literal::Null) {
        return Some("cannot be ordered by true, false or null");
    }
    match (kind, value) {
        (Some(Kind::Boolean), _) if operator.is_substring() || operator.is_ordering() => {
            Some("is true or false, which eq, ne and pr compare alone")
        }
        (Some(Kind::DateTime), Literal::String(text))
            if !operator.is_substring() && datetime::parse(text).is_none() =>
        {
            Some("is compared with a dateTime such as \"2011-05-13T04:42:34Z\" alone")
        }
        _ => None,
    }
}
