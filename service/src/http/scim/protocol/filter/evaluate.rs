//! Whether a resource, or one value of an attribute, matches a filter.

use super::super::Resource;
use super::super::attribute::{Attribute, Kind};
use super::super::datetime;
use super::super::path::AttributePath;
use super::{Filter, Literal, Operator};
use serde_json::Value;
use std::cmp::Ordering;

/// What the paths of a filter are looked up in.
#[derive(Clone, Copy)]
enum Scope<'a> {
    Resource(&'a Resource),
    Value(&'static Attribute, &'a Resource),
}

impl Filter {
    /// Whether the resource matches. Attributes that are not declared have no value.
    pub(in crate::http) fn matches(&self, resource: &Resource) -> bool {
        holds(self, Scope::Resource(resource))
    }

    /// Whether this value of the attribute matches, with paths relative to the value.
    pub(in crate::http::scim::protocol) fn matches_value(
        &self,
        attribute: &'static Attribute,
        value: &Resource,
    ) -> bool {
        holds(self, Scope::Value(attribute, value))
    }
}

fn holds(filter: &Filter, scope: Scope<'_>) -> bool {
    match filter {
        Filter::And(parts) => parts.iter().all(|part| holds(part, scope)),
        Filter::Or(parts) => parts.iter().any(|part| holds(part, scope)),
        Filter::Not(inner) => !holds(inner, scope),
        Filter::Present(path) => values(path, scope)
            .iter()
            .any(|(_, value)| has_content(value)),
        Filter::Compare {
            path,
            operator,
            value,
        } => compares(&values(path, scope), *operator, value),
        Filter::ValuePath { path, filter } => value_matches(path, filter, scope),
    }
}

fn value_matches(path: &AttributePath, filter: &Filter, scope: Scope<'_>) -> bool {
    let Scope::Resource(resource) = scope else {
        return false;
    };
    let Some(declared) = path.declared() else {
        return false;
    };
    in_container(declared.container.key(), resource)
        .and_then(|object| object.get(declared.attribute.name))
        .map(each)
        .unwrap_or_default()
        .iter()
        .filter_map(|value| value.as_object())
        .any(|value| holds(filter, Scope::Value(declared.attribute, value)))
}

/// The values that a path names, each with its declaration. A path to a complex attribute means its `value`.
fn values<'a>(path: &AttributePath, scope: Scope<'a>) -> Vec<(&'static Attribute, &'a Value)> {
    let (attribute, sub, object) = match scope {
        Scope::Resource(resource) => {
            let Some(declared) = path.declared() else {
                return Vec::new();
            };
            let Some(object) = in_container(declared.container.key(), resource) else {
                return Vec::new();
            };
            (declared.attribute, declared.sub, object)
        }
        Scope::Value(parent, value) => match path.declared_in(parent) {
            Some(attribute) => (attribute, None, value),
            None => return Vec::new(),
        },
    };
    let found = object.get(attribute.name).map(each).unwrap_or_default();
    match sub.or_else(|| attribute.sub_attribute("value")) {
        None => found.into_iter().map(|value| (attribute, value)).collect(),
        Some(sub) => found
            .into_iter()
            .filter_map(|value| value.get(sub.name))
            .map(|value| (sub, value))
            .collect(),
    }
}

fn in_container<'a>(key: Option<&str>, resource: &'a Resource) -> Option<&'a Resource> {
    match key {
        None => Some(resource),
        Some(key) => resource.get(key)?.as_object(),
    }
}

/// The values of an attribute; `null` is none.
fn each(value: &Value) -> Vec<&Value> {
    match value {
        Value::Null => Vec::new(),
        Value::Array(values) => values.iter().filter(|value| !value.is_null()).collect(),
        other => vec![other],
    }
}

/// `pr`: not null, and not empty (RFC 7644, table 3).
fn has_content(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(values) => values.iter().any(has_content),
        Value::Object(members) => members.values().any(has_content),
        Value::Bool(_) | Value::Number(_) => true,
    }
}

/// Whether one of the values compares so. No value is the same as `null` (RFC 7643, 2.5), which is not equal to anything.
fn compares(
    values: &[(&'static Attribute, &Value)],
    operator: Operator,
    literal: &Literal,
) -> bool {
    match (operator, literal) {
        (Operator::Eq, Literal::Null) => values.is_empty(),
        (Operator::Ne, Literal::Null) => !values.is_empty(),
        (Operator::Ne, _) => {
            values.is_empty()
                || values
                    .iter()
                    .any(|(attribute, value)| !compare(attribute, value, Operator::Eq, literal))
        }
        _ => values
            .iter()
            .any(|(attribute, value)| compare(attribute, value, operator, literal)),
    }
}

fn compare(attribute: &Attribute, value: &Value, operator: Operator, literal: &Literal) -> bool {
    match value {
        Value::Bool(value) => operator == Operator::Eq && literal.as_bool() == Some(*value),
        Value::String(value) => literal
            .as_str()
            .is_some_and(|literal| compare_text(attribute, value, operator, literal)),
        Value::Number(value) => {
            let Literal::Number(literal) = literal else {
                return false;
            };
            let ordering = match (value.as_f64(), literal.as_f64()) {
                (Some(value), Some(literal)) => value.partial_cmp(&literal),
                _ => None,
            };
            ordering.is_some_and(|ordering| allows(operator, ordering))
        }
        Value::Null | Value::Array(_) | Value::Object(_) => false,
    }
}

fn compare_text(attribute: &Attribute, value: &str, operator: Operator, literal: &str) -> bool {
    if attribute.kind == Kind::DateTime
        && !operator.is_substring()
        && let (Some(value), Some(literal)) = (datetime::parse(value), datetime::parse(literal))
    {
        return allows(operator, value.cmp(&literal));
    }
    if attribute.case_exact {
        return compare_exactly(value, operator, literal);
    }
    if operator == Operator::Eq && value.is_ascii() && literal.is_ascii() {
        return value.eq_ignore_ascii_case(literal);
    }
    compare_exactly(&value.to_lowercase(), operator, &literal.to_lowercase())
}

fn compare_exactly(value: &str, operator: Operator, literal: &str) -> bool {
    match operator {
        Operator::Co => value.contains(literal),
        Operator::Sw => value.starts_with(literal),
        Operator::Ew => value.ends_with(literal),
        _ => allows(operator, value.cmp(literal)),
    }
}

fn allows(operator: Operator, ordering: Ordering) -> bool {
    match operator {
        Operator::Eq => ordering.is_eq(),
        Operator::Ne => ordering.is_ne(),
        Operator::Gt => ordering.is_gt(),
        Operator::Ge => ordering.is_ge(),
        Operator::Lt => ordering.is_lt(),
        Operator::Le => ordering.is_le(),
        Operator::Co | Operator::Sw | Operator::Ew => false,
    }
}
