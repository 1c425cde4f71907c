//! What the directory knows of a user, derived from what a provider wrote.

use super::super::protocol::Resource;
use super::super::protocol::error::ScimError;
use super::super::protocol::schema::ENTERPRISE;
use super::super::request::invalid_value;
use super::object;
use crate::domain::{
    EmailAddress, Label, PersonName, PhoneNumber, Profile, TextError, UserId, UserStatus,
};
use serde_json::Value;

/// The domain of the address of a user that has none: reserved, so that no mail is ever delivered there (RFC 2606).
pub(super) const NO_ADDRESS_DOMAIN: &str = "users.invalid";

/// The longest name that the directory keeps, in characters.
const MAX_NAME_CHARACTERS: usize = 200;

/// The whole profile.
pub(super) fn profile(
    resource: &Resource,
    id: UserId,
    present: Option<&Profile>,
) -> Result<Profile, ScimError> {
    let department = object(resource, ENTERPRISE).and_then(|members| members.get("department"));
    Ok(Profile {
        email: email(resource, id, present)?,
        name: name(resource)?,
        phone: phone(resource).map(|(_, phone)| phone),
        title: label("title", resource.get("title"))?,
        department: label("department", department)?,
        status: status(resource),
    })
}

/// The address: the user name where it is one; else the primary or the first address; else one that nobody has.
pub(super) fn email(
    resource: &Resource,
    id: UserId,
    present: Option<&Profile>,
) -> Result<EmailAddress, ScimError> {
    let same = |text: &str| {
        let present = present.map(|present| &present.email);
        present.filter(|email| email.as_str() == text).cloned()
    };
    let read = |text: &str| same(text).or_else(|| EmailAddress::parse(text).ok());
    if let Some(email) = text(resource, "userName").and_then(read) {
        return Ok(email);
    }
    if let Some((_, email)) = preferred(resource, "emails", read) {
        return Ok(email);
    }
    let none = format!("{}@{NO_ADDRESS_DOMAIN}", id.0);
    EmailAddress::parse(&none).map_err(|error| invalid_value(error.to_string()))
}

/// The name: what is displayed, else the whole name, else its parts, else the user name.
pub(super) fn name(resource: &Resource) -> Result<PersonName, ScimError> {
    let name = object(resource, "name");
    let part = |part: &str| name.and_then(|name| name.get(part)).and_then(Value::as_str);
    let parts: Vec<&str> = [part("givenName"), part("familyName")]
        .into_iter()
        .flatten()
        .collect();
    let candidates = [
        (
            "displayName",
            text(resource, "displayName").map(str::to_owned),
        ),
        ("name.formatted", part("formatted").map(str::to_owned)),
        ("name", Some(parts.join(" "))),
    ];
    for (attribute, candidate) in candidates {
        match candidate.as_deref().map(PersonName::parse) {
            Some(Ok(name)) => return Ok(name),
            None | Some(Err(TextError::Empty)) => {}
            Some(Err(error)) => return Err(invalid_value(format!("{attribute} {error}."))),
        }
    }
    let user_name = text(resource, "userName").unwrap_or("");
    let start: String = user_name.chars().take(MAX_NAME_CHARACTERS).collect();
    PersonName::parse(&start).map_err(|error| invalid_value(format!("userName {error}.")))
}

/// The primary or else the first number that is in the form of the directory, and at which place it is.
pub(super) fn phone(resource: &Resource) -> Option<(usize, PhoneNumber)> {
    preferred(resource, "phoneNumbers", PhoneNumber::parse)
}

/// A user is active unless it is said not to be.
pub(super) fn status(resource: &Resource) -> UserStatus {
    match resource.get("active").and_then(Value::as_bool) {
        Some(false) => UserStatus::Suspended,
        _ => UserStatus::Active,
    }
}

pub(super) fn label(attribute: &str, value: Option<&Value>) -> Result<Option<Label>, ScimError> {
    match value.and_then(Value::as_str).map(Label::parse) {
        None | Some(Err(TextError::Empty)) => Ok(None),
        Some(Ok(label)) => Ok(Some(label)),
        Some(Err(error)) => Err(invalid_value(format!("{attribute} {error}."))),
    }
}

/// The values of a multi-valued attribute, each with its place.
pub(super) fn values<'a>(
    resource: &'a Resource,
    attribute: &str,
) -> impl Iterator<Item = (usize, &'a str)> {
    let items = resource.get(attribute).and_then(Value::as_array);
    let items = items.into_iter().flatten().enumerate();
    items.filter_map(|(at, item)| Some((at, item.get("value")?.as_str()?)))
}

/// The primary or else the first value that `read` takes, and its place.
fn preferred<T>(
    resource: &Resource,
    attribute: &str,
    read: impl Fn(&str) -> Option<T>,
) -> Option<(usize, T)> {
    let is_primary = |at: usize| {
        let item = resource.get(attribute).and_then(|items| items.get(at));
        let primary = item.and_then(|item| item.get("primary"));
        primary.and_then(Value::as_bool) == Some(true)
    };
    let primary = values(resource, attribute).filter(|(at, _)| is_primary(*at));
    primary
        .chain(values(resource, attribute))
        .find_map(|(at, value)| Some((at, read(value)?)))
}

pub(super) fn text<'a>(resource: &'a Resource, attribute: &str) -> Option<&'a str> {
    resource.get(attribute)?.as_str()
}
