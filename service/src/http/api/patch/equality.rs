//! When two JSON values are equal by RFC 6902, 4.6: numbers by value, however they are written; members in any order.

use serde_json::{Number, Value};

/// Beyond it every float is whole, and no integer that JSON is read into is as great.
const GREATER_THAN_ALL_INTEGERS: f64 = 1e30;

/// Whether two values are equal.
pub(super) fn are_equal(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => are_equal_numbers(one, other),
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(a, b)| are_equal(a, b))
        }
        (Value::Object(one), Value::Object(other)) => {
            let has_equal = |(name, value)| other.get(name).is_some_and(|b| are_equal(value, b));
            one.len() == other.len() && one.iter().all(has_equal)
        }
        (one, other) => one == other,
    }
}

#[allow(
    clippy::float_cmp,
    reason = "RFC 6902 asks for the same number, not for one that is near"
)]
fn are_equal_numbers(one: &Number, other: &Number) -> bool {
    match (integer(one), integer(other)) {
        (Some(one), Some(other)) => one == other,
        (None, None) => one.as_f64() == other.as_f64(),
        _ => false,
    }
}

/// The integer that a number is; none for one with a fraction, or greater than all integers that are read as such.
#[allow(
    clippy::cast_possible_truncation,
    reason = "what is cast is whole and within the range"
)]
fn integer(number: &Number) -> Option<i128> {
    let whole = number.as_i64().map(i128::from);
    whole
        .or_else(|| number.as_u64().map(i128::from))
        .or_else(|| {
            let float = number.as_f64()?;
            let is_whole = float.fract() == 0.0 && float.abs() < GREATER_THAN_ALL_INTEGERS;
            is_whole.then_some(float as i128)
        })
}

#[cfg(test)]
mod tests {
    use super::are_equal;
    use serde_json::Value;

    #[test]
    fn numbers_are_equal_by_value_and_objects_in_any_order() {
        let read = |text: &str| serde_json::from_str::<Value>(text).unwrap();
        for (one, other, equal) in [
            ("1", "1.0", true),
            ("1", "10e-1", true),
            ("-0.0", "0", true),
            ("100", "1E2", true),
            ("0.1", "1e-1", true),
            ("1e40", "1E+40", true),
            ("1", "1.5", false),
            ("1", "\"1\"", false),
            ("18446744073709551615", "18446744073709551614", false),
            // A float cannot hold it: 9007199254740992 is another number.
            ("9007199254740993", "9007199254740992.0", false),
            ("[1, {\"a\": 2}]", "[1.0, {\"a\": 2.0}]", true),
            (
                "{\"a\": 1, \"b\": [null]}",
                "{\"b\": [null], \"a\": 1.0}",
                true,
            ),
            ("{\"a\": 1}", "{\"a\": 1, \"b\": 1}", false),
            ("[1, 2]", "[2, 1]", false),
        ] {
            assert_eq!(are_equal(&read(one), &read(other)), equal, "{one} {other}");
            assert_eq!(are_equal(&read(other), &read(one)), equal, "{other} {one}");
        }
    }
}
