//! Sets values of a multi-valued attribute: all, those that a filter selects, or one that does not exist yet.

use super::super::Resource;
use super::super::attribute::Attribute;
use super::super::error::{ScimError, ScimType};
use super::super::filter::{Filter, Literal};
use super::super::place::Target;
use super::super::profile::ProviderProfile;
use super::super::values::{check_count, invalid, is_unassigned, many_values, one_value, put};
use super::{Action, set_parts};
use serde_json::Value;

/// The values of a multi-valued attribute.
pub(in crate::http::scim::protocol) fn values_of(current: Option<Value>) -> Vec<Value> {
    match current {
        Some(Value::Array(values)) => values,
        Some(Value::Null) | None => Vec::new(),
        Some(single) => vec![single],
    }
}

/// Which of the values the filter selects; all without one.
pub(in crate::http::scim::protocol) fn selected(
    attribute: &'static Attribute,
    filter: Option<&Filter>,
    values: &[Value],
) -> Vec<usize> {
    let matches = |value: &Value| match filter {
        None => true,
        Some(filter) => value
            .as_object()
            .is_some_and(|object| filter.matches_value(attribute, object)),
    };
    (0..values.len())
        .filter(|index| matches(&values[*index]))
        .collect()
}

/// The refusal of a filter that selects nothing.
pub(in crate::http::scim::protocol) fn no_target(attribute: &Attribute) -> ScimError {
    ScimError::new(
        ScimType::NoTarget,
        format!("No value of {} matches the filter.", attribute.path),
    )
}

/// The values after the target is set.
pub(super) fn set_values(
    mut values: Vec<Value>,
    target: &Target,
    action: Action,
    value: &Value,
    profile: ProviderProfile,
) -> Result<Vec<Value>, ScimError> {
    let attribute = target.attribute;
    if action == Action::Add && is_unassigned(value) {
        return Ok(values);
    }
    let set: Vec<usize> = match (&target.filter, target.sub) {
        (None, None) => {
            if action == Action::Replace {
                values.clear();
            }
            let start = values.len();
            for value in many_values(attribute, value)? {
                if action == Action::Replace || !values.contains(&value) {
                    values.push(value);
                }
            }
            (start..values.len()).collect()
        }
        (filter, sub) => {
            let found = selected(attribute, filter.as_ref(), &values);
            if found.is_empty() {
                let created = created(attribute, filter.as_ref(), sub, value, profile)?;
                let start = values.len();
                values.extend(created);
                (start..values.len()).collect()
            } else {
                for index in &found {
                    set_selected(&mut values[*index], attribute, sub, action, value)?;
                }
                found
            }
        }
    };
    check_count(attribute, values.len())?;
    settle_primary(attribute, &mut values, &set)?;
    values.retain(|value| value.as_object().is_none_or(|object| !object.is_empty()));
    Ok(values)
}

/// A value that the filter selects. To replace all of it, no part of it stays.
fn set_selected(
    current: &mut Value,
    attribute: &'static Attribute,
    sub: Option<&'static Attribute>,
    action: Action,
    value: &Value,
) -> Result<(), ScimError> {
    if action == Action::Replace && sub.is_none() {
        *current = one_value(attribute, value)?.unwrap_or_else(|| Value::Object(Resource::new()));
        return Ok(());
    }
    let mut object = match current.take() {
        Value::Object(object) => object,
        _ => Resource::new(),
    };
    set_parts(&mut object, attribute, sub, value)?;
    *current = Value::Object(object);
    Ok(())
}

/// The value that is set where none is selected: without a filter it is new; with one, it has what the filter asks for.
fn created(
    attribute: &'static Attribute,
    filter: Option<&Filter>,
    sub: Option<&'static Attribute>,
    value: &Value,
    profile: ProviderProfile,
) -> Result<Option<Value>, ScimError> {
    let mut object = match (filter, profile) {
        (None, _) => Resource::new(),
        (Some(_), ProviderProfile::Rfc) => return Err(no_target(attribute)),
        (Some(filter), ProviderProfile::Entra) => {
            described(attribute, filter)?.ok_or_else(|| no_target(attribute))?
        }
    };
    let mut parts = Resource::new();
    if !is_unassigned(value) {
        set_parts(&mut parts, attribute, sub, value)?;
    }
    if parts.is_empty() {
        return Ok(None);
    }
    object.append(&mut parts);
    Ok(Some(Value::Object(object)))
}

/// The value that a filter describes with `eq`s joined by `and`; `None` when it describes none.
fn described(
    attribute: &'static Attribute,
    filter: &Filter,
) -> Result<Option<Resource>, ScimError> {
    let Some(equalities) = filter.equalities() else {
        return Ok(None);
    };
    let mut object = Resource::new();
    for (path, literal) in equalities {
        let Some(sub) = path.declared_in(attribute) else {
            return Ok(None);
        };
        let value = match literal {
            Literal::String(text) => Value::from(text.as_str()),
            Literal::Number(number) => Value::Number(number.clone()),
            Literal::Boolean(value) => Value::Bool(*value),
            Literal::Null => Value::Null,
        };
        put(&mut object, sub, one_value(sub, &value)?);
    }
    Ok(Some(object))
}

/// One value at most is primary: the one that was set last (RFC 7644, 3.5.2).
fn settle_primary(
    attribute: &'static Attribute,
    values: &mut [Value],
    set: &[usize],
) -> Result<(), ScimError> {
    let is_primary = |value: &Value| value.get("primary") == Some(&Value::Bool(true));
    let mut chosen = set.iter().filter(|index| is_primary(&values[**index]));
    let Some(&primary) = chosen.next() else {
        return Ok(());
    };
    if chosen.next().is_some() {
        return Err(invalid(attribute, "must not have two primary values"));
    }
    for (index, value) in values.iter_mut().enumerate() {
        if index != primary && is_primary(value) {
            value["primary"] = Value::Bool(false);
        }
    }
    Ok(())
}
