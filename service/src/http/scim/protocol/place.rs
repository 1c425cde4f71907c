//! What a patch's path, or a key of an object without a path, names.

use super::Resource;
use super::attribute::{Attribute, Kind};
use super::error::{ScimError, ScimType, excerpt};
use super::filter::{Filter, FilteredPath};
use super::path::AttributePath;
use super::schema::Container;
use serde_json::Value;

/// What a path names.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Place {
    /// All attributes of a schema: the path is its URN.
    Schema(Container),
    /// A declared attribute, or a part of it.
    Attribute(Target),
    /// Nothing that is declared; it is ignored.
    Undeclared,
}

/// A declared attribute, or a part of it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Target {
    /// Where the attribute is.
    pub(super) container: Container,
    /// The attribute.
    pub(super) attribute: &'static Attribute,
    /// Which of its values; all of them without.
    pub(super) filter: Option<Filter>,
    /// The part of the value; all of it without.
    pub(super) sub: Option<&'static Attribute>,
}

impl Place {
    /// Reads the path of a patch.
    ///
    /// # Errors
    /// `invalidPath` or `invalidFilter` when it is malformed, or its filter is on an attribute with a single value.
    pub(super) fn parse(raw: &str) -> Result<Self, ScimError> {
        if let Some(container) = Container::of_urn(raw) {
            return Ok(Self::Schema(container));
        }
        if raw.contains('[') {
            return Self::filtered(raw);
        }
        let Some(declared) = AttributePath::parse(raw)?.declared() else {
            return Ok(Self::Undeclared);
        };
        Ok(Self::Attribute(Target {
            container: declared.container,
            attribute: declared.attribute,
            filter: None,
            sub: declared.sub,
        }))
    }

    fn filtered(raw: &str) -> Result<Self, ScimError> {
        let FilteredPath { path, filter, sub } = FilteredPath::parse(raw)?;
        let Some(declared) = path.declared() else {
            return Ok(Self::Undeclared);
        };
        let attribute = declared.attribute;
        if !attribute.multi_valued || attribute.kind != Kind::Complex {
            let why = format!(
                "The path {} has a filter, but {} does not have several complex values.",
                excerpt(raw),
                attribute.path
            );
            return Err(ScimError::new(ScimType::InvalidPath, why));
        }
        let sub = match sub {
            None => None,
            Some(name) => match attribute.sub_attribute(&name) {
                None => return Ok(Self::Undeclared),
                found => found,
            },
        };
        Ok(Self::Attribute(Target {
            container: declared.container,
            attribute,
            filter: Some(filter),
            sub,
        }))
    }
}

impl Target {
    /// The declared spelling, for sentences.
    pub(super) fn path(&self) -> &'static str {
        self.sub.unwrap_or(self.attribute).path
    }

    /// Whether clients may not set it.
    pub(super) fn is_read_only(&self) -> bool {
        self.attribute.is_read_only() || self.sub.is_some_and(Attribute::is_read_only)
    }
}

/// The members of an object without a path, each with what its key names: an attribute, a dotted path, a path with a URN or a
/// filter, or a schema whose attributes are below it. Members that are not declared are left out.
///
/// # Errors
/// `invalidPath` or `invalidFilter` for a malformed key with a filter; `invalidValue` when a schema is not an object.
pub(super) fn placed_members(
    object: &Resource,
    container: Container,
) -> Result<Vec<(Target, &Value)>, ScimError> {
    let mut members = Vec::new();
    for (key, value) in object {
        match place_of_key(key, container)? {
            Place::Attribute(target) => members.push((target, value)),
            Place::Undeclared => {}
            Place::Schema(inner) => match value {
                Value::Null => {}
                Value::Object(attributes) => members.extend(placed_attributes(attributes, inner)?),
                _ => {
                    let why = format!("{} must be an object.", excerpt(key));
                    return Err(ScimError::new(ScimType::InvalidValue, why));
                }
            },
        }
    }
    Ok(members)
}

/// The attributes below the URN of a schema; a schema in a schema is ignored.
fn placed_attributes(
    object: &Resource,
    container: Container,
) -> Result<Vec<(Target, &Value)>, ScimError> {
    let mut members = Vec::new();
    for (key, value) in object {
        if let Place::Attribute(target) = place_of_key(key, container)? {
            members.push((target, value));
        }
    }
    Ok(members)
}

/// What a key names. A key that is not a path is ignored like any that is not declared.
fn place_of_key(key: &str, container: Container) -> Result<Place, ScimError> {
    let place = match container.key() {
        Some(urn) if !key.contains(':') => Place::parse(&format!("{urn}:{key}")),
        _ => Place::parse(key),
    };
    match place {
        Err(_) if !key.contains('[') => Ok(Place::Undeclared),
        place => place,
    }
}
