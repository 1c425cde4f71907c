//! Which attributes an answer has: `attributes` and `excludedAttributes` (RFC 7644, 3.9).

use super::Resource;
use super::attribute::{Attribute, Returned};
use super::error::{ScimError, ScimType};
use super::path::AttributePath;
use super::schema::{Container, ENTERPRISE};
use serde_json::Value;

/// A selection of attributes.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::http) struct Projection {
    /// These alone; `None` for all.
    included: Option<Vec<Selector>>,
    /// Without these.
    excluded: Vec<Selector>,
}

/// A declared attribute, a part of it, or all attributes of a schema.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Selector {
    container: Container,
    attribute: Option<&'static Attribute>,
    sub: Option<&'static Attribute>,
}

impl Projection {
    /// Reads the parameters of a query: names separated by commas. An empty parameter counts as missing.
    ///
    /// # Errors
    /// `invalidValue` for a malformed name; names that are not declared select nothing.
    pub(in crate::http) fn parse(
        attributes: Option<&str>,
        excluded: Option<&str>,
    ) -> Result<Self, ScimError> {
        let names = |list: Option<&str>| -> Vec<String> {
            list.unwrap_or_default()
                .split(',')
                .map(|name| name.trim().to_owned())
                .filter(|name| !name.is_empty())
                .collect()
        };
        Self::of_lists(&names(attributes), &names(excluded))
    }

    /// Reads the lists of a search request. An empty list counts as missing.
    ///
    /// # Errors
    /// As [`Projection::parse`].
    pub(in crate::http) fn of_lists(
        attributes: &[String],
        excluded: &[String],
    ) -> Result<Self, ScimError> {
        let included = if attributes.is_empty() {
            None
        } else {
            Some(selectors(attributes)?)
        };
        Ok(Self {
            included,
            excluded: selectors(excluded)?,
        })
    }

    /// Whether everything is returned.
    pub(in crate::http) fn is_all(&self) -> bool {
        self.included.is_none() && self.excluded.is_empty()
    }

    /// The selected part of a resource. What is returned always, stays: `id` and `schemas`.
    pub(in crate::http) fn apply(&self, mut resource: Resource) -> Resource {
        if self.is_all() {
            return resource;
        }
        let extension = resource.remove(ENTERPRISE);
        let mut result = self.select(Container::Core, resource);
        if let Some(Value::Object(extension)) = extension {
            let extension = self.select(Container::Enterprise, extension);
            if !extension.is_empty() {
                result.insert(ENTERPRISE.to_owned(), Value::Object(extension));
            }
        }
        result
    }

    fn select(&self, container: Container, object: Resource) -> Resource {
        object
            .into_iter()
            .filter_map(|(name, value)| {
                let attribute = container.attribute(&name)?;
                let value = if attribute.returned == Returned::Always {
                    Some(value)
                } else {
                    self.select_value(container, attribute, value)
                }?;
                Some((name, value))
            })
            .collect()
    }

    fn select_value(
        &self,
        container: Container,
        attribute: &'static Attribute,
        value: Value,
    ) -> Option<Value> {
        let of_attribute = |selector: &&Selector| {
            selector.container == container
                && selector.attribute.is_none_or(|found| found == attribute)
        };
        let value = match &self.included {
            None => value,
            Some(included) => {
                let chosen: Vec<_> = included.iter().filter(of_attribute).collect();
                if chosen.is_empty() {
                    return None;
                }
                if chosen.iter().all(|selector| selector.sub.is_some()) {
                    let named = |name: &str| {
                        chosen
                            .iter()
                            .any(|selector| selector.sub.is_some_and(|sub| sub.name == name))
                    };
                    with_parts(value, named)?
                } else {
                    value
                }
            }
        };
        let dropped: Vec<_> = self.excluded.iter().filter(of_attribute).collect();
        if dropped.iter().any(|selector| selector.sub.is_none()) {
            return None;
        }
        if dropped.is_empty() {
            return Some(value);
        }
        with_parts(value, |name| {
            !dropped
                .iter()
                .any(|selector| selector.sub.is_some_and(|sub| sub.name == name))
        })
    }
}

/// The parts of a complex value, or of each of several, whose names are kept; `None` when nothing is left.
fn with_parts(value: Value, keeps: impl Fn(&str) -> bool + Copy) -> Option<Value> {
    match value {
        Value::Array(values) => {
            let values: Vec<Value> = values
                .into_iter()
                .filter_map(|value| with_parts(value, keeps))
                .collect();
            (!values.is_empty()).then_some(Value::Array(values))
        }
        Value::Object(mut object) => {
            object.retain(|name, _| keeps(name));
            (!object.is_empty()).then_some(Value::Object(object))
        }
        simple => Some(simple),
    }
}

fn selectors(names: &[String]) -> Result<Vec<Selector>, ScimError> {
    let mut selectors = Vec::new();
    for name in names {
        if let Some(container) = Container::of_urn(name) {
            selectors.push(Selector {
                container,
                attribute: None,
                sub: None,
            });
            continue;
        }
        let path = AttributePath::parse(name)
            .map_err(|error| ScimError::new(ScimType::InvalidValue, error.detail))?;
        if let Some(declared) = path.declared() {
            selectors.push(Selector {
                container: declared.container,
                attribute: Some(declared.attribute),
                sub: declared.sub,
            });
        }
    }
    Ok(selectors)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn projected(attributes: &str, excluded: &str) -> Value {
        let resource = json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
            "id": "1",
            "userName": "babs@example.com",
            "name": { "givenName": "Barbara", "familyName": "Jensen" },
            "emails": [{ "value": "babs@example.com", "type": "work" }, { "value": "b@example.com" }],
            "meta": { "version": "W/\"1\"", "resourceType": "User" },
            ENTERPRISE: { "department": "Tours", "manager": { "value": "2" } }
        });
        let Value::Object(resource) = resource else {
            unreachable!("the literal above is an object");
        };
        let projection = Projection::parse(Some(attributes), Some(excluded)).unwrap();
        Value::Object(projection.apply(resource))
    }

    #[test]
    fn attributes_selects_and_what_is_always_returned_stays() {
        let schemas = json!(["urn:ietf:params:scim:schemas:core:2.0:User"]);
        assert_eq!(
            projected("USERNAME, name.givenname", ""),
            json!({ "schemas": schemas, "id": "1", "userName": "babs@example.com",
                    "name": { "givenName": "Barbara" } })
        );
        assert_eq!(
            projected("emails.type", ""),
            json!({ "schemas": schemas, "id": "1", "emails": [{ "type": "work" }] })
        );
        assert_eq!(
            projected("nickName", ""),
            json!({ "schemas": schemas, "id": "1" })
        );
        assert_eq!(
            projected(&format!("{ENTERPRISE}:manager"), ""),
            json!({ "schemas": schemas, "id": "1", ENTERPRISE: { "manager": { "value": "2" } } })
        );
        assert_eq!(
            projected(ENTERPRISE, "")[ENTERPRISE]["department"],
            json!("Tours")
        );
    }

    #[test]
    fn excluded_attributes_are_left_out() {
        let left = projected(
            "",
            &format!("id,schemas,meta,emails,name.familyName,{ENTERPRISE}:manager.value"),
        );
        assert_eq!(
            left,
            json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "id": "1",
                    "userName": "babs@example.com", "name": { "givenName": "Barbara" },
                    ENTERPRISE: { "department": "Tours" } })
        );
        assert_eq!(projected("", ENTERPRISE).get(ENTERPRISE), None);
        assert_eq!(
            projected("name", "name.givenName")["name"],
            json!({ "familyName": "Jensen" })
        );
    }

    #[test]
    fn everything_is_returned_without_names_and_a_malformed_name_is_refused() {
        assert_eq!(projected("", "").as_object().unwrap().len(), 7);
        assert!(Projection::parse(Some(" , "), None).unwrap().is_all());
        let error = Projection::parse(Some("emails[type eq \"work\"]"), None).unwrap_err();
        assert_eq!(error.scim_type, ScimType::InvalidValue);
    }
}
