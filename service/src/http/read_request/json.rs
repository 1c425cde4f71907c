//! Strict JSON: what two readers could understand in two ways is refused, and so is what takes far more memory than bytes.

use crate::http::problem::{Problem, ProblemKind};
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::error::Category;
use serde_json::{Map, Value};
use std::cell::Cell;
use std::fmt;

/// How much memory a body may take once it is read, in multiples of the limit of its bytes: `[0,0,…]` takes sixteen
/// times what it has in bytes, and objects a hundred times.
const MEMORY_PER_LIMIT: usize = 3;
/// An element of an array while the array grows: it is then there once in the old and twice in the new room.
const ELEMENT_BYTES: usize = 3 * size_of::<Value>();
/// The first member of an object: a node of its tree holds eleven.
const FIRST_MEMBER_BYTES: usize = 11 * (size_of::<String>() + size_of::<Value>()) + 64;
/// Every further member: nodes are at least half full.
const MEMBER_BYTES: usize = FIRST_MEMBER_BYTES / 4;
/// The least that the allocator gives.
const TEXT_BYTES: usize = 16;

/// The memory that what is read of one body may still take, in bytes.
pub(in crate::http) struct MemoryBudget(Cell<Option<usize>>);

impl MemoryBudget {
    /// The budget of a body whose bytes are limited to `body_limit_bytes`.
    pub(in crate::http) fn of_body(body_limit_bytes: usize) -> Self {
        Self::of_bytes(body_limit_bytes.saturating_mul(MEMORY_PER_LIMIT))
    }

    /// A budget of so many bytes.
    pub(in crate::http) fn of_bytes(bytes: usize) -> Self {
        Self(Cell::new(Some(bytes)))
    }

    /// Takes `bytes` out of the budget; `false` when they are not in it. Then nothing is, from there on.
    pub(in crate::http) fn take(&self, bytes: usize) -> bool {
        let left = self.0.get().and_then(|left| left.checked_sub(bytes));
        self.0.set(left);
        left.is_some()
    }

    fn spend<E: Error>(&self, bytes: usize) -> Result<(), E> {
        if self.take(bytes) {
            Ok(())
        } else {
            Err(E::custom("the budget is spent"))
        }
    }
}

/// The most memory that a copy of `value` takes, in bytes, reckoned as [`MemoryBudget`] reckons it.
pub(in crate::http) fn memory_of(value: &Value) -> usize {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
        Value::String(text) => TEXT_BYTES + text.len(),
        Value::Array(items) => items
            .iter()
            .map(|item| ELEMENT_BYTES + memory_of(item))
            .sum(),
        Value::Object(members) => {
            let first = if members.is_empty() {
                0
            } else {
                FIRST_MEMBER_BYTES
            };
            let members = members.iter();
            let bytes = members
                .map(|(name, value)| MEMBER_BYTES + TEXT_BYTES + name.len() + memory_of(value));
            first + bytes.sum::<usize>()
        }
    }
}

/// Parses strict JSON (RFC 8259): a key that is given twice is refused.
///
/// # Errors
/// 400 when it is not that; 413 when what it holds takes too much memory.
pub(in crate::http) fn parse_json(body: &[u8], body_limit_bytes: usize) -> Result<Value, Problem> {
    let budget = MemoryBudget::of_body(body_limit_bytes);
    parse_with(body, &budget, Strict(&budget))
}

/// Parses JSON into what `seed` makes of it, which takes the memory from `budget`.
pub(in crate::http) fn parse_with<'de, S: DeserializeSeed<'de>>(
    body: &'de [u8],
    budget: &MemoryBudget,
    seed: S,
) -> Result<S::Value, Problem> {
    let text = std::str::from_utf8(body)
        .map_err(|_| ProblemKind::MalformedRequest.with_detail("the body is not UTF-8"))?;
    let mut parser = serde_json::Deserializer::from_str(text);
    let value = seed
        .deserialize(&mut parser)
        .and_then(|value| parser.end().map(|()| value));
    value.map_err(|error| {
        if budget.0.get().is_none() {
            return ProblemKind::ContentTooLarge
                .with_detail("the body has too many members, elements or operations");
        }
        let detail = match error.classify() {
            Category::Data => error.to_string(),
            _ => format!("the body is not valid JSON: {error}"),
        };
        ProblemKind::MalformedRequest.with_detail(detail)
    })
}

/// Builds a value like `serde_json`'s own, but refuses duplicate keys and keeps to the budget.
#[derive(Clone, Copy)]
pub(in crate::http) struct Strict<'b>(pub(in crate::http) &'b MemoryBudget);

impl<'de> DeserializeSeed<'de> for Strict<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        self.0.spend(TEXT_BYTES + value.len())?;
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut array = Vec::new();
        while let Some(item) = items.next_element_seed(self)? {
            self.0.spend(ELEMENT_BYTES)?;
            array.push(item);
        }
        Ok(Value::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(key) = members.next_key::<String>()? {
            let first = if object.is_empty() {
                FIRST_MEMBER_BYTES
            } else {
                0
            };
            self.0
                .spend(first + MEMBER_BYTES + TEXT_BYTES + key.len())?;
            let value = members.next_value_seed(self)?;
            if object.contains_key(&key) {
                return Err(given_twice(&key));
            }
            object.insert(key, value);
        }
        Ok(Value::Object(object))
    }
}

/// The error of a key that an object has twice.
pub(in crate::http) fn given_twice<E: Error>(key: &str) -> E {
    E::custom(format_args!("the key {key:?} is given twice"))
}

#[cfg(test)]
mod tests {
    use super::{MemoryBudget, memory_of, parse_json};
    use crate::http::problem::ProblemKind;

    #[test]
    fn json_is_strict() {
        let parse = |body| parse_json(body, 65_536);
        assert!(parse(br#"{"a": [1, -2, 3.5, "x", null, true, {"b": {}}]}"#).is_ok());
        for bad in [
            &b"{\"a\":1,\"a\":2}"[..],
            b"{\"a\":{\"b\":1,\"b\":1}}",
            b"{\"a\":1} x",
            b"",
            b"\xff",
            b"\"\\ud800\"",
            b"{'a':1}",
        ] {
            assert!(parse(bad).is_err(), "{}", bad.escape_ascii());
        }
    }

    #[test]
    fn what_takes_far_more_memory_than_bytes_is_too_large() {
        let refused = |body: String| {
            let problem = parse_json(body.as_bytes(), 65_536).err();
            problem.map(|problem| problem.kind)
        };
        let too_large = Some(ProblemKind::ContentTooLarge);
        assert_eq!(refused(format!("[{}0]", "0,".repeat(30_000))), too_large);
        assert_eq!(
            refused(format!("[{}0]", "{\"\":0},".repeat(9000))),
            too_large
        );
        assert_eq!(refused(format!("\"{}\"", "a".repeat(65_000))), None);
        assert_eq!(refused(format!("[{}0]", "0,".repeat(1000))), None);
    }

    #[test]
    fn what_a_copy_takes_is_what_reading_it_took() {
        let body = br#"{"a": [1, "x", null, {"b": {}, "c": [[], ""]}], "d": "text"}"#;
        let bytes = memory_of(&parse_json(body, 65_536).unwrap());
        for (budget, fits) in [(bytes, true), (bytes - 1, false)] {
            let budget = MemoryBudget::of_bytes(budget);
            let read = super::parse_with(body, &budget, super::Strict(&budget));
            assert_eq!(read.is_ok(), fits);
        }
    }
}
