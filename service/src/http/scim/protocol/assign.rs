//! Sets an attribute of a resource, or a part of it (RFC 7644, 3.5.2.1 and 3.5.2.3).

mod many;

use super::Resource;
use super::attribute::{Attribute, Kind};
use super::error::{ScimError, ScimType};
use super::place::Target;
use super::profile::ProviderProfile;
use super::schema::Container;
use super::values::{complex_members, invalid, is_unassigned, one_value, put};
use serde_json::Value;

pub(super) use many::{no_target, selected, values_of};

/// What happens to the values that are there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    /// Values are added to those of a multi-valued attribute.
    Add,
    /// They replace them.
    Replace,
}

/// Sets what the target names.
///
/// # Errors
/// `mutability`, `noTarget` or `invalidValue`; the resource is then half changed.
pub(super) fn set(
    resource: &mut Resource,
    target: &Target,
    action: Action,
    value: &Value,
    profile: ProviderProfile,
) -> Result<(), ScimError> {
    if target.is_read_only() {
        return check_unchanged(resource, target, value);
    }
    let attribute = target.attribute;
    change(resource, target, |current| {
        if attribute.multi_valued {
            let values = many::set_values(values_of(current), target, action, value, profile)?;
            Ok((!values.is_empty()).then_some(Value::Array(values)))
        } else {
            set_value(current, attribute, target.sub, action, value)
        }
    })
}

/// Replaces the value of an attribute by what the function makes of it; removes an extension that is empty then.
pub(super) fn change(
    resource: &mut Resource,
    target: &Target,
    function: impl FnOnce(Option<Value>) -> Result<Option<Value>, ScimError>,
) -> Result<(), ScimError> {
    let name = target.attribute.name;
    let Some(key) = target.container.key() else {
        let value = function(resource.remove(name))?;
        put(resource, target.attribute, value);
        return Ok(());
    };
    let mut extension = match resource.remove(key) {
        Some(Value::Object(extension)) => extension,
        _ => Resource::new(),
    };
    let value = function(extension.remove(name))?;
    put(&mut extension, target.attribute, value);
    if !extension.is_empty() {
        resource.insert(key.to_owned(), Value::Object(extension));
    }
    Ok(())
}

/// What the server sets may be sent back as it is.
fn check_unchanged(resource: &Resource, target: &Target, value: &Value) -> Result<(), ScimError> {
    // The server derives the schemas from the attributes.
    if target.attribute.name == "schemas" && target.container == Container::Core {
        return Ok(());
    }
    let current = resource.get(target.attribute.name);
    let current = match target.sub {
        Some(sub) => current.and_then(|current| current.get(sub.name)),
        None => current,
    };
    let same = match (current, value) {
        (Some(Value::Object(current)), Value::Object(sent)) => sent
            .iter()
            .all(|(key, value)| current.get(key).is_none_or(|current| current == value)),
        (Some(current), sent) => current == sent,
        (None, sent) => sent.is_null(),
    };
    if same {
        return Ok(());
    }
    Err(ScimError::new(
        ScimType::Mutability,
        format!("{} is set by the server.", target.path()),
    ))
}

/// An attribute with a single value.
fn set_value(
    current: Option<Value>,
    attribute: &'static Attribute,
    sub: Option<&'static Attribute>,
    action: Action,
    value: &Value,
) -> Result<Option<Value>, ScimError> {
    if action == Action::Add && is_unassigned(value) {
        return Ok(current);
    }
    if attribute.kind == Kind::Complex {
        if sub.is_none() && is_unassigned(value) {
            return Ok(None);
        }
        let mut object = match current {
            Some(Value::Object(object)) => object,
            _ => Resource::new(),
        };
        set_parts(&mut object, attribute, sub, value)?;
        return Ok((!object.is_empty()).then_some(Value::Object(object)));
    }
    let value = one_value(attribute, value)?;
    if value.is_none() && attribute.required {
        return Err(invalid(attribute, "must have a value"));
    }
    Ok(value)
}

/// A part of a complex value, or all the parts that are sent: others stay.
fn set_parts(
    object: &mut Resource,
    attribute: &'static Attribute,
    sub: Option<&'static Attribute>,
    value: &Value,
) -> Result<(), ScimError> {
    match sub {
        Some(sub) => put(object, sub, one_value(sub, value)?),
        None => {
            for (sub, value) in complex_members(attribute, value)? {
                put(object, sub, value);
            }
        }
    }
    Ok(())
}
