//! Resources as a client sends them whole, with POST and PUT.

use super::Resource;
use super::assign::{Action, set};
use super::error::{ScimError, ScimType};
use super::place::placed_members;
use super::profile::ProviderProfile;
use super::schema::{Container, ENTERPRISE, USER, USER_ATTRIBUTES};
use super::values::invalid;
use serde_json::Value;

/// What of a body clients may set, in the declared spelling and types; with `schemas`.
///
/// Ignores what is not declared, and what the server sets (RFC 7644, 3.3 and 3.5.1).
///
/// # Errors
/// `invalidSyntax` when it is not a user, `invalidValue` for a wrong type or a missing attribute.
pub(in crate::http) fn accept(body: &Value) -> Result<Resource, ScimError> {
    let Value::Object(body) = body else {
        let why = "The body must be a JSON object.";
        return Err(ScimError::new(ScimType::InvalidSyntax, why));
    };
    check_schemas(body)?;
    let mut resource = Resource::new();
    for (target, value) in placed_members(body, Container::Core)? {
        // An attribute without a value may be sent as null.
        if !target.is_read_only() && !value.is_null() {
            let profile = ProviderProfile::Entra;
            set(&mut resource, &target, Action::Replace, value, profile)?;
        }
    }
    for attribute in USER_ATTRIBUTES {
        if attribute.required && !resource.contains_key(attribute.name) {
            return Err(invalid(attribute, "must have a value"));
        }
    }
    name_schemas(&mut resource);
    Ok(resource)
}

/// The schemas of a resource: that of a user, and the extension when it has attributes of it.
pub(in crate::http) fn schemas_of(resource: &Resource) -> Vec<&'static str> {
    if resource.contains_key(ENTERPRISE) {
        vec![USER, ENTERPRISE]
    } else {
        vec![USER]
    }
}

/// Sets `schemas`.
pub(super) fn name_schemas(resource: &mut Resource) {
    let schemas = schemas_of(resource);
    resource.insert("schemas".to_owned(), Value::from(schemas));
}

/// `schemas` may be missing, but it must not be of something else.
fn check_schemas(body: &Resource) -> Result<(), ScimError> {
    let sent = body
        .iter()
        .find(|(key, _)| key.eq_ignore_ascii_case("schemas"));
    let is_user = |schema: &Value| {
        schema
            .as_str()
            .is_some_and(|schema| schema.eq_ignore_ascii_case(USER))
    };
    match sent {
        None => Ok(()),
        Some((_, Value::Array(schemas))) if schemas.iter().any(is_user) => Ok(()),
        Some(_) => Err(ScimError::new(
            ScimType::InvalidSyntax,
            format!("schemas must be an array with {USER}."),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::super::schema::ENTERPRISE;
    use super::accept;
    use serde_json::{Value, json};

    #[test]
    fn a_user_that_is_sent_whole_is_accepted_in_the_declared_spelling() {
        let body = json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User", ENTERPRISE],
            "id": "chosen by the client",
            "meta": { "resourceType": "User" },
            "USERNAME": "adele@example.com",
            "externalId": "00ujl29u0le5T6Aj10h7",
            "active": "True",
            "name.givenName": "Adele",
            "emails": { "value": "adele@example.com", "type": "work", "primary": "true", "display": "A" },
            "phoneNumbers": [],
            "title": null,
            "groups": [],
            "password": "1mz050nq",
            "locale": "en-US",
            ENTERPRISE: { "employeeNumber": "7", "manager": {} }
        });
        assert_eq!(
            Value::Object(accept(&body).unwrap()),
            json!({
                "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User", ENTERPRISE],
                "userName": "adele@example.com",
                "externalId": "00ujl29u0le5T6Aj10h7",
                "active": true,
                "name": { "givenName": "Adele" },
                "emails": [{ "value": "adele@example.com", "type": "work", "primary": true }],
                ENTERPRISE: { "employeeNumber": "7" }
            })
        );
    }

    #[test]
    fn a_body_that_is_not_a_user_is_refused() {
        let refusal = |body: Value| {
            let error = accept(&body).unwrap_err();
            error.scim_type.as_str()
        };
        assert_eq!(refusal(json!([])), "invalidSyntax");
        assert_eq!(
            refusal(json!({ "schemas": ["urn:x:Group"], "userName": "a" })),
            "invalidSyntax"
        );
        assert_eq!(
            refusal(json!({ "schemas": "User", "userName": "a" })),
            "invalidSyntax"
        );
        assert_eq!(refusal(json!({ "displayName": "a" })), "invalidValue");
        assert_eq!(refusal(json!({ "userName": null })), "invalidValue");
        assert_eq!(refusal(json!({ "userName": "" })), "invalidValue");
        assert_eq!(
            refusal(json!({ "userName": "a", "emails": [1] })),
            "invalidValue"
        );
        assert_eq!(
            refusal(json!({ "userName": "a", ENTERPRISE: "x" })),
            "invalidValue"
        );
        let two = json!([{ "value": "a", "primary": true }, { "value": "b", "primary": true }]);
        assert_eq!(
            refusal(json!({ "userName": "a", "emails": two })),
            "invalidValue"
        );
    }
}
