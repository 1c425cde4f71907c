//! Removes an attribute of a resource, a part of it, or some of its values (RFC 7644, 3.5.2.2).

use super::super::Resource;
use super::super::assign::{change, no_target, selected, values_of};
use super::super::attribute::Attribute;
use super::super::error::{ScimError, ScimType};
use super::super::place::Target;
use super::super::profile::ProviderProfile;
use super::super::schema::Container;
use super::super::values::{Member, complex_members};
use serde_json::Value;

/// Removes all attributes of an extension.
///
/// # Errors
/// `mutability` for the core schema, which has required attributes.
pub(super) fn schema(resource: &mut Resource, container: Container) -> Result<(), ScimError> {
    let Some(key) = container.key() else {
        let why = "the core schema cannot be removed: userName is required.";
        return Err(ScimError::new(ScimType::Mutability, why));
    };
    resource.remove(key);
    Ok(())
}

/// Removes what the target names. Entra lists the values to remove in `value` instead of a filter.
///
/// # Errors
/// `mutability` for what is required or set by the server, `noTarget`, `invalidValue`.
pub(super) fn values(
    resource: &mut Resource,
    target: &Target,
    listed: Option<&Value>,
    profile: ProviderProfile,
) -> Result<(), ScimError> {
    let attribute = target.attribute;
    if target.is_read_only() || attribute.required {
        let why = if attribute.required {
            "is required"
        } else {
            "is set by the server"
        };
        let why = format!("{} cannot be removed: it {why}.", target.path());
        return Err(ScimError::new(ScimType::Mutability, why));
    }
    change(resource, target, |current| {
        if attribute.multi_valued {
            let values = remaining(values_of(current), target, listed, profile)?;
            return Ok((!values.is_empty()).then_some(Value::Array(values)));
        }
        let (Some(sub), Some(Value::Object(mut object))) = (target.sub, current) else {
            return Ok(None);
        };
        object.remove(sub.name);
        Ok((!object.is_empty()).then_some(Value::Object(object)))
    })
}

fn remaining(
    mut values: Vec<Value>,
    target: &Target,
    listed: Option<&Value>,
    profile: ProviderProfile,
) -> Result<Vec<Value>, ScimError> {
    let attribute = target.attribute;
    let found = selected(attribute, target.filter.as_ref(), &values);
    if found.is_empty() && target.filter.is_some() && profile == ProviderProfile::Rfc {
        return Err(no_target(attribute));
    }
    if let Some(sub) = target.sub {
        for index in found {
            if let Value::Object(object) = &mut values[index] {
                object.remove(sub.name);
            }
        }
        values.retain(|value| value.as_object().is_none_or(|object| !object.is_empty()));
        return Ok(values);
    }
    let listed = match (listed, &target.filter) {
        (None | Some(Value::Null), _) | (_, Some(_)) => None,
        (Some(Value::Array(listed)), None) => Some(all_members(attribute, listed)?),
        (Some(single), None) => Some(all_members(attribute, std::slice::from_ref(single))?),
    };
    let mut index = 0;
    values.retain(|value| {
        let selected = found.binary_search(&index).is_ok();
        index += 1;
        !(selected && listed.as_ref().is_none_or(|listed| lists(listed, value)))
    });
    Ok(values)
}

fn all_members(
    attribute: &'static Attribute,
    listed: &[Value],
) -> Result<Vec<Vec<Member>>, ScimError> {
    listed
        .iter()
        .map(|value| complex_members(attribute, value))
        .collect()
}

/// Whether the value has all that one of the listed ones has; members without a value do not count.
fn lists(listed: &[Vec<Member>], value: &Value) -> bool {
    listed.iter().any(|members| {
        let mut assigned = members
            .iter()
            .filter_map(|(sub, member)| Some((sub, member.as_ref()?)))
            .peekable();
        assigned.peek().is_some()
            && assigned.all(|(sub, member)| {
                value
                    .get(sub.name)
                    .is_some_and(|current| same(sub, current, member))
            })
    })
}

fn same(sub: &Attribute, current: &Value, sent: &Value) -> bool {
    match (current.as_str(), sent.as_str()) {
        (Some(current), Some(sent)) if !sub.case_exact => {
            current.to_lowercase() == sent.to_lowercase()
        }
        _ => current == sent,
    }
}
