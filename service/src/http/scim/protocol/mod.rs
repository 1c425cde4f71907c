//! SCIM as text and JSON: attribute paths, filters, patches, schemas, discovery documents.
//!
//! Knows neither HTTP nor the domain nor the store. A resource is a JSON object with the declared names as keys; an
//! unassigned attribute has no key.

mod assign;
pub(in crate::http) mod attribute;
pub(in crate::http) mod datetime;
pub(in crate::http) mod documents;
pub(in crate::http) mod error;
pub(in crate::http) mod filter;
#[cfg(any(test, fuzzing))]
pub(in crate::http) mod fuzzing;
#[cfg(test)]
mod oracles;
pub(in crate::http) mod patch;
pub(in crate::http) mod path;
mod place;
pub(in crate::http) mod profile;
pub(in crate::http) mod projection;
pub(in crate::http) mod resource;
pub(in crate::http) mod schema;
mod values;

/// A resource: the declared names as keys, those of an extension in an object below its URN.
pub(in crate::http) type Resource = serde_json::Map<String, serde_json::Value>;
