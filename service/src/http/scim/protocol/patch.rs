//! Patches (RFC 7644, 3.5.2), also in the shapes that Entra, Okta and others send.
//!
//! A patch is applied to the whole representation of a user, and either all of it or nothing.

mod remove;

use super::Resource;
use super::assign::{Action, set};
use super::error::{ScimError, ScimType, excerpt};
use super::place::{Place, placed_members};
use super::profile::ProviderProfile;
use super::resource::name_schemas;
use super::schema::Container;
use serde_json::Value;

/// The schema of the message.
pub(in crate::http) const PATCH_OP: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";
/// The most operations of a patch.
pub(in crate::http) const MAX_OPERATIONS: usize = 1000;

/// A patch that was read but not applied yet.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::http) struct Patch {
    operations: Vec<Operation>,
}

#[derive(Clone, Debug, PartialEq)]
enum Operation {
    /// `add` and `replace`.
    Set {
        action: Action,
        place: Place,
        value: Value,
    },
    /// `remove`, of some values if it has any.
    Remove { place: Place, value: Option<Value> },
}

impl Patch {
    /// Reads a message. `op`, and the names of all members, may be in any case.
    ///
    /// # Errors
    /// `invalidSyntax`, `invalidPath`, `invalidFilter`, `invalidValue` or `noTarget`, with the number of the operation.
    pub(in crate::http) fn parse(body: &Value) -> Result<Self, ScimError> {
        let malformed = |why: String| Err(ScimError::new(ScimType::InvalidSyntax, why));
        let Value::Object(body) = body else {
            return malformed("The body must be a JSON object.".to_owned());
        };
        let is_patch = |schema: &Value| {
            schema
                .as_str()
                .is_some_and(|schema| schema.eq_ignore_ascii_case(PATCH_OP))
        };
        match member(body, "schemas") {
            Some(Value::Array(schemas)) if schemas.iter().any(is_patch) => {}
            _ => return malformed(format!("schemas must be an array with {PATCH_OP}.")),
        }
        let Some(Value::Array(operations)) = member(body, "Operations") else {
            return malformed("Operations must be an array.".to_owned());
        };
        if operations.is_empty() || operations.len() > MAX_OPERATIONS {
            return malformed(format!(
                "Operations must have between 1 and {MAX_OPERATIONS} operations."
            ));
        }
        let operations = operations.iter().enumerate();
        let operations: Result<_, _> = operations
            .map(|(index, operation)| {
                Operation::parse(operation).map_err(|error| in_operation(index, &error))
            })
            .collect();
        Ok(Self {
            operations: operations?,
        })
    }

    /// The resource after all operations. What the server sets stays as it is.
    ///
    /// # Errors
    /// `mutability`, `noTarget` or `invalidValue`, with the number of the operation; nothing is applied then.
    pub(in crate::http) fn apply(
        &self,
        resource: &Resource,
        profile: ProviderProfile,
    ) -> Result<Resource, ScimError> {
        let mut result = resource.clone();
        for (index, operation) in self.operations.iter().enumerate() {
            operation
                .apply(&mut result, profile)
                .map_err(|error| in_operation(index, &error))?;
        }
        name_schemas(&mut result);
        Ok(result)
    }
}

impl Operation {
    fn parse(operation: &Value) -> Result<Self, ScimError> {
        let malformed = |why: &str| Err(ScimError::new(ScimType::InvalidSyntax, why));
        let Value::Object(operation) = operation else {
            return malformed("an operation must be an object.");
        };
        let place = match member(operation, "path") {
            None | Some(Value::Null) => None,
            Some(Value::String(path)) if path.is_empty() => None,
            Some(Value::String(path)) => Some(Place::parse(path)?),
            Some(_) => return malformed("path must be a string."),
        };
        let value = member(operation, "value").cloned();
        let Some(Value::String(op)) = member(operation, "op") else {
            return malformed("op must be add, replace or remove.");
        };
        let action = match op.to_ascii_lowercase().as_str() {
            "add" => Action::Add,
            "replace" => Action::Replace,
            "remove" => {
                let why = "remove needs a path.";
                let place = place.ok_or_else(|| ScimError::new(ScimType::NoTarget, why))?;
                return Ok(Self::Remove { place, value });
            }
            other => {
                let why = format!("op must be add, replace or remove, not {}.", excerpt(other));
                return malformed(&why);
            }
        };
        let Some(value) = value else {
            let why = format!("{} needs a value.", op.to_ascii_lowercase());
            return Err(ScimError::new(ScimType::InvalidValue, why));
        };
        Ok(Self::Set {
            action,
            place: place.unwrap_or(Place::Schema(Container::Core)),
            value,
        })
    }

    fn apply(&self, resource: &mut Resource, profile: ProviderProfile) -> Result<(), ScimError> {
        match self {
            Self::Set {
                action,
                place: Place::Attribute(target),
                value,
            } => set(resource, target, *action, value, profile),
            Self::Set {
                action,
                place: Place::Schema(container),
                value,
            } => {
                for (target, value) in placed_members(members(value)?, *container)? {
                    // Clients send what they do not know of a whole user as null.
                    if target.is_read_only() && value.is_null() {
                        continue;
                    }
                    set(resource, &target, *action, value, profile)?;
                }
                Ok(())
            }
            Self::Remove {
                place: Place::Attribute(target),
                value,
            } => remove::values(resource, target, value.as_ref(), profile),
            Self::Remove {
                place: Place::Schema(container),
                ..
            } => remove::schema(resource, *container),
            Self::Set { .. } | Self::Remove { .. } => Ok(()),
        }
    }
}

/// A member, its name in any case.
fn member<'a>(object: &'a Resource, name: &str) -> Option<&'a Value> {
    object.get(name).or_else(|| {
        object
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    })
}

/// The attributes of a value without a path; an array of one stands for its element.
fn members(value: &Value) -> Result<&Resource, ScimError> {
    let value = match value.as_array().map(Vec::as_slice) {
        Some([single]) => single,
        _ => value,
    };
    value.as_object().ok_or_else(|| {
        ScimError::new(
            ScimType::InvalidValue,
            "a value without a path must be an object of attributes.",
        )
    })
}

fn in_operation(index: usize, error: &ScimError) -> ScimError {
    let detail = format!("Operation {}: {}", index + 1, error.detail);
    ScimError::new(error.scim_type, detail)
}

#[cfg(test)]
mod provider_tests;
#[cfg(test)]
mod refusal_tests;
#[cfg(test)]
mod tests;
