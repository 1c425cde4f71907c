//! Values as clients send them, made into the declared types.
//!
//! Providers send booleans as strings, arrays of one for a single value, and `""` or `null` for no value.

use super::Resource;
use super::attribute::{Attribute, Kind};
use super::error::{ScimError, ScimType};
use super::schema::{MAX_TEXT_BYTES, MAX_VALUES};
use serde_json::Value;

/// A part of a complex value, and what it is set to; `None` unassigns it.
pub(super) type Member = (&'static Attribute, Option<Value>);

/// Whether this means no value (RFC 7643, 2.5).
pub(super) fn is_unassigned(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(values) => values.iter().all(Value::is_null),
        _ => false,
    }
}

/// The value of an attribute that is not multi-valued, or one value of one that is; `None` when it has none.
///
/// # Errors
/// `invalidValue` for another type, and for a string that is too long.
pub(super) fn one_value(
    attribute: &'static Attribute,
    value: &Value,
) -> Result<Option<Value>, ScimError> {
    let value = only(attribute, value)?;
    match (attribute.kind, value) {
        (_, Value::Null) => Ok(None),
        (Kind::Complex, _) => {
            let mut object = Resource::new();
            for (sub, value) in complex_members(attribute, value)? {
                put(&mut object, sub, value);
            }
            Ok((!object.is_empty()).then_some(Value::Object(object)))
        }
        (Kind::Boolean, Value::Bool(_)) => Ok(Some(value.clone())),
        (Kind::Boolean, Value::String(text)) if text.eq_ignore_ascii_case("true") => {
            Ok(Some(Value::Bool(true)))
        }
        (Kind::Boolean, Value::String(text)) if text.eq_ignore_ascii_case("false") => {
            Ok(Some(Value::Bool(false)))
        }
        (Kind::Boolean, _) => Err(invalid(attribute, "must be true or false")),
        (Kind::String | Kind::DateTime | Kind::Reference, Value::String(text)) => {
            self::text(attribute, text)
        }
        (Kind::String | Kind::DateTime | Kind::Reference, _) => {
            Err(invalid(attribute, "must be a string"))
        }
    }
}

/// The parts of a complex value that are declared. A string stands for its `value`: Entra sends managers so.
///
/// # Errors
/// `invalidValue` as for [`one_value`].
pub(super) fn complex_members(
    attribute: &'static Attribute,
    value: &Value,
) -> Result<Vec<Member>, ScimError> {
    match (only(attribute, value)?, attribute.sub_attribute("value")) {
        (Value::Object(object), _) => object
            .iter()
            .filter_map(|(key, value)| Some((attribute.sub_attribute(key)?, value)))
            .map(|(sub, value)| Ok((sub, one_value(sub, value)?)))
            .collect(),
        (value @ Value::String(_), Some(sub)) => Ok(vec![(sub, one_value(sub, value)?)]),
        _ => Err(invalid(attribute, "must be an object")),
    }
}

/// The values of a multi-valued attribute; a single value stands for an array of one.
///
/// # Errors
/// `invalidValue` as for [`one_value`], and for too many values.
pub(super) fn many_values(
    attribute: &'static Attribute,
    value: &Value,
) -> Result<Vec<Value>, ScimError> {
    let values = match value {
        Value::Array(values) => values.as_slice(),
        single => std::slice::from_ref(single),
    };
    check_count(attribute, values.len())?;
    values
        .iter()
        .filter_map(|value| one_value(attribute, value).transpose())
        .collect()
}

/// Refuses more values than an attribute may have.
pub(super) fn check_count(attribute: &Attribute, count: usize) -> Result<(), ScimError> {
    if count <= MAX_VALUES {
        return Ok(());
    }
    let why = format!("must not have more than {MAX_VALUES} values");
    Err(invalid(attribute, &why))
}

/// Sets a part of a complex value, or removes it.
pub(super) fn put(object: &mut Resource, attribute: &Attribute, value: Option<Value>) {
    match value {
        Some(value) => {
            object.insert(attribute.name.to_owned(), value);
        }
        None => {
            object.remove(attribute.name);
        }
    }
}

/// The refusal of a value.
pub(super) fn invalid(attribute: &Attribute, why: &str) -> ScimError {
    ScimError::new(ScimType::InvalidValue, format!("{} {why}.", attribute.path))
}

/// The value itself, or the only one of an array.
fn only<'a>(attribute: &Attribute, value: &'a Value) -> Result<&'a Value, ScimError> {
    match value {
        Value::Array(values) => match values.as_slice() {
            [] => Ok(&Value::Null),
            [single] if !single.is_array() => Ok(single),
            _ => Err(invalid(attribute, "must be a single value")),
        },
        single => Ok(single),
    }
}

fn text(attribute: &Attribute, text: &str) -> Result<Option<Value>, ScimError> {
    if text.is_empty() {
        return if attribute.required {
            Err(invalid(attribute, "must not be empty"))
        } else {
            Ok(None)
        };
    }
    if text.len() > MAX_TEXT_BYTES {
        let why = format!("must not be longer than {MAX_TEXT_BYTES} bytes");
        return Err(invalid(attribute, &why));
    }
    if text.contains('\0') {
        return Err(invalid(attribute, "must not contain U+0000"));
    }
    Ok(Some(Value::from(text)))
}
