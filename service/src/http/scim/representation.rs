//! A user as a SCIM resource, and back.
//!
//! What a provider writes is kept as it was written. What the directory knows too (address, name, phone, title, department,
//! status) is derived from that; where another client has changed it since, its value is put in the place that it was
//! derived from. So a provider reads back what it wrote, and every client reads what was written last.

mod derived;
mod present;

use super::answer::entity_tag;
use super::protocol::Resource;
use super::protocol::error::{ScimError, ScimType};
use super::protocol::resource::schemas_of;
use super::request::invalid_value;
use crate::domain::{
    EmailAddress, ExternalId, FoldedKey, Profile, ProviderAttributes, Provision, ProvisionedUser,
    Timestamp, User, UserId,
};
use serde_json::{Map, Value, json};

/// The longest user name, in bytes: folded, it fits into an index.
const MAX_USER_NAME_BYTES: usize = 512;

/// What the server adds to what is kept.
const SERVER_ATTRIBUTES: [&str; 4] = ["schemas", "id", "externalId", "meta"];

/// The whole resource of a user.
///
/// # Errors
/// When what is stored is not a JSON object.
pub(super) fn resource(provisioned: &ProvisionedUser, base: &str) -> Result<Resource, Unreadable> {
    let user = &provisioned.user;
    let mut resource = match &provisioned.document {
        Some(document) => {
            let mut kept: Resource = serde_json::from_str(document).map_err(|_| Unreadable)?;
            present::overlay(&mut kept, user);
            kept
        }
        None => present::from_profile(&user.profile),
    };
    let id = user.id.0.to_string();
    if let Some(external_id) = &provisioned.external_id {
        resource.insert("externalId".into(), external_id.as_str().into());
    }
    resource.insert("meta".into(), meta(user, &format!("{base}/Users/{id}")));
    resource.insert("id".into(), id.into());
    let schemas = schemas_of(&resource);
    resource.insert("schemas".into(), json!(schemas));
    Ok(resource)
}

/// What is stored of a user cannot be read.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("scim_users.attributes is not a JSON object")]
pub(super) struct Unreadable;

fn meta(user: &User, location: &str) -> Value {
    let text = |at: Timestamp| String::from_utf8_lossy(&at.rfc3339()).into_owned();
    json!({
        "resourceType": "User",
        "created": text(user.created_at),
        "lastModified": text(user.updated_at),
        "version": entity_tag(user.version),
        "location": location,
    })
}

/// The same resource without what the server adds, but with the provider's name of the user.
pub(super) fn without_server_attributes(mut resource: Resource) -> Resource {
    for name in ["schemas", "id", "meta"] {
        resource.remove(name);
    }
    resource
}

/// What is to be kept of a resource. `present` is the profile of the user before the change: texts that stay as they are
/// are not checked again.
///
/// # Errors
/// `invalidValue` for what the directory does not take.
pub(super) fn provision(
    mut resource: Resource,
    id: UserId,
    present: Option<&Profile>,
) -> Result<Provision, ScimError> {
    if let Some(name) = resource
        .iter()
        .find_map(|(name, value)| has_nul(value).then_some(name))
    {
        return Err(invalid_value(format!(
            "{name} must not contain the character U+0000."
        )));
    }
    let external_id = match resource.get("externalId") {
        Some(raw) => Some(
            raw.as_str()
                .and_then(ExternalId::parse)
                .ok_or_else(|| invalid_value("externalId must have 1 to 1,024 bytes."))?,
        ),
        None => None,
    };
    for name in SERVER_ATTRIBUTES {
        resource.remove(name);
    }
    let user_name = resource
        .get("userName")
        .and_then(Value::as_str)
        .unwrap_or("");
    if user_name.is_empty() {
        return Err(ScimError::new(
            ScimType::InvalidValue,
            "userName is required.",
        ));
    }
    if user_name.len() > MAX_USER_NAME_BYTES {
        return Err(invalid_value(format!(
            "userName must have at most {MAX_USER_NAME_BYTES} bytes."
        )));
    }
    let profile = derived::profile(&resource, id, present)?;
    let is_address = profile.email.as_str() == user_name || EmailAddress::parse(user_name).is_ok();
    let user_name = (!is_address).then(|| FoldedKey::of(user_name));
    let own = profile.email.key();
    let mut emails: Vec<FoldedKey> = derived::values(&resource, "emails")
        .map(|(_, value)| FoldedKey::of(value))
        .filter(|key| key.as_str() != own)
        .collect();
    emails.sort_unstable_by(|a, b| a.as_str().cmp(b.as_str()));
    emails.dedup();
    Ok(Provision {
        profile,
        attributes: ProviderAttributes {
            document: Value::Object(resource).to_string(),
            user_name,
            emails,
        },
        external_id,
    })
}

fn has_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(items) => items.iter().any(has_nul),
        Value::Object(members) => members.values().any(has_nul),
        _ => false,
    }
}

/// The member of an object below `name`, if it is an object itself.
fn object<'a>(resource: &'a Resource, name: &str) -> Option<&'a Map<String, Value>> {
    resource.get(name)?.as_object()
}

#[cfg(test)]
mod tests;
