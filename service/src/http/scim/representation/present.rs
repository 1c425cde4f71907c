//! What the directory knows of a user, put into what a provider wrote, where another client has changed it since.

use super::super::protocol::Resource;
use super::super::protocol::schema::ENTERPRISE;
use super::derived::{self, NO_ADDRESS_DOMAIN, text};
use super::object;
use crate::domain::{EmailAddress, FoldedKey, Label, PhoneNumber, Profile, User, UserStatus};
use serde_json::{Value, json};

/// The attributes of a user that no provider ever wrote.
pub(super) fn from_profile(profile: &Profile) -> Resource {
    let mut resource = Resource::new();
    let (email, name) = (profile.email.as_str(), profile.name.as_str());
    resource.insert("userName".into(), email.into());
    resource.insert("displayName".into(), name.into());
    resource.insert("name".into(), json!({"formatted": name}));
    let emails = json!([{"value": email, "type": "work", "primary": true}]);
    resource.insert("emails".into(), emails);
    if let Some(phone) = &profile.phone {
        push(&mut resource, "phoneNumbers", phone.as_str());
    }
    set_title(&mut resource, profile);
    set_department(&mut resource, profile);
    set_active(&mut resource, profile);
    resource
}

/// Puts what differs from what `kept` says into it.
pub(super) fn overlay(kept: &mut Resource, user: &User) {
    let profile = &user.profile;
    let email = derived::email(kept, user.id, Some(profile)).ok();
    if email.as_ref() != Some(&profile.email) {
        set_email(kept, profile, email.as_ref());
    }
    if derived::name(kept).ok().as_ref() != Some(&profile.name) {
        set_name(kept, profile);
    }
    let phone = derived::phone(kept);
    if phone.as_ref().map(|(_, phone)| phone) != profile.phone.as_ref() {
        set_phone(kept, profile, phone.map(|(at, _)| at));
    }
    if derived::label("title", kept.get("title")).ok().as_ref() != Some(&profile.title) {
        set_title(kept, profile);
    }
    let department = object(kept, ENTERPRISE).and_then(|members| members.get("department"));
    if derived::label("department", department).ok().as_ref() != Some(&profile.department) {
        set_department(kept, profile);
    }
    if derived::status(kept) != profile.status {
        set_active(kept, profile);
    }
}

/// The user name, where it was the address, and every place that had the former address.
fn set_email(kept: &mut Resource, profile: &Profile, former: Option<&EmailAddress>) {
    let address = profile.email.as_str();
    if address.ends_with(NO_ADDRESS_DOMAIN) {
        return;
    }
    let is_address = text(kept, "userName").is_none_or(|name| EmailAddress::parse(name).is_ok());
    if is_address {
        kept.insert("userName".into(), address.into());
    }
    let former = former.map(EmailAddress::key);
    let places: Vec<usize> = derived::values(kept, "emails")
        .filter(|(_, value)| Some(FoldedKey::of(value).as_str()) == former.as_deref())
        .map(|(at, _)| at)
        .collect();
    if places.is_empty() && !is_address {
        push(kept, "emails", address);
    }
    for at in places {
        kept["emails"][at]["value"] = address.into();
    }
}

fn set_name(kept: &mut Resource, profile: &Profile) {
    let name = profile.name.as_str();
    let has_formatted = object(kept, "name").is_some_and(|name| name.contains_key("formatted"));
    if !kept.contains_key("displayName") && has_formatted {
        kept["name"]["formatted"] = name.into();
    } else {
        kept.insert("displayName".into(), name.into());
    }
}

fn set_phone(kept: &mut Resource, profile: &Profile, at: Option<usize>) {
    match (&profile.phone, at) {
        (Some(phone), Some(at)) => kept["phoneNumbers"][at]["value"] = phone.as_str().into(),
        (Some(phone), None) => push(kept, "phoneNumbers", phone.as_str()),
        (None, Some(_)) => {
            let is_number = |item: &Value| {
                let value = item.get("value").and_then(Value::as_str);
                value.and_then(PhoneNumber::parse).is_some()
            };
            if let Some(items) = kept.get_mut("phoneNumbers").and_then(Value::as_array_mut) {
                items.retain(|item| !is_number(item));
                if items.is_empty() {
                    kept.remove("phoneNumbers");
                }
            }
        }
        (None, None) => {}
    }
}

fn set_title(kept: &mut Resource, profile: &Profile) {
    set(kept, "title", profile.title.as_ref());
}

fn set_department(kept: &mut Resource, profile: &Profile) {
    let mut members = object(kept, ENTERPRISE).cloned().unwrap_or_default();
    set(&mut members, "department", profile.department.as_ref());
    if members.is_empty() {
        kept.remove(ENTERPRISE);
    } else {
        kept.insert(ENTERPRISE.into(), Value::Object(members));
    }
}

fn set_active(kept: &mut Resource, profile: &Profile) {
    let active = profile.status == UserStatus::Active;
    kept.insert("active".into(), active.into());
}

fn set(kept: &mut Resource, attribute: &str, label: Option<&Label>) {
    match label {
        Some(label) => {
            kept.insert(attribute.into(), label.as_str().into());
        }
        None => {
            kept.remove(attribute);
        }
    }
}

/// Adds a value to a multi-valued attribute.
fn push(kept: &mut Resource, attribute: &str, value: &str) {
    let item = json!({"value": value, "type": "work"});
    match kept.get_mut(attribute).and_then(Value::as_array_mut) {
        Some(items) => items.push(item),
        None => {
            kept.insert(attribute.into(), json!([item]));
        }
    }
}
