//! Strict JSON: what two readers could understand in two ways is refused.

use crate::http::problem::{Problem, ProblemKind};
use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};
use std::fmt;

/// Parses strict JSON (RFC 8259): a key that is given twice is refused.
pub(in crate::http) fn parse_json(body: &[u8]) -> Result<Value, Problem> {
    let text = std::str::from_utf8(body)
        .map_err(|_| ProblemKind::MalformedRequest.with_detail("the body is not UTF-8"))?;
    let mut parser = serde_json::Deserializer::from_str(text);
    let value = Strict
        .deserialize(&mut parser)
        .and_then(|value| parser.end().map(|()| value));
    value.map_err(|error| {
        ProblemKind::MalformedRequest
            .with_detail(format!("the body is not JSON as it has to be: {error}"))
    })
}

/// Builds a value like `serde_json`'s own, but refuses duplicate keys.
struct Strict;

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
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

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut array = Vec::new();
        while let Some(item) = items.next_element_seed(Strict)? {
            array.push(item);
        }
        Ok(Value::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(key) = members.next_key::<String>()? {
            let value = members.next_value_seed(Strict)?;
            if object.contains_key(&key) {
                return Err(serde::de::Error::custom(format_args!(
                    "the key {key:?} is given twice"
                )));
            }
            object.insert(key, value);
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::parse_json;

    #[test]
    fn json_is_strict() {
        assert!(parse_json(br#"{"a": [1, -2, 3.5, "x", null, true, {"b": {}}]}"#).is_ok());
        for bad in [
            &b"{\"a\":1,\"a\":2}"[..],
            b"{\"a\":{\"b\":1,\"b\":1}}",
            b"{\"a\":1} x",
            b"",
            b"\xff",
            b"\"\\ud800\"",
            b"{'a':1}",
        ] {
            assert!(parse_json(bad).is_err(), "{}", bad.escape_ascii());
        }
    }
}
