//! The discovery documents (RFC 7643, 5 to 7): what this server declares and supports.
//!
//! `base` is the URL of the service, such as `https://roster.example/scim/v2`, without a slash at its end.

use super::attribute::{Attribute, Kind, Mutability, Returned, Uniqueness};
use super::schema::{ENTERPRISE, ENTERPRISE_ATTRIBUTES, USER, USER_ATTRIBUTES};
use serde_json::{Value, json};

const SCHEMA: &str = "urn:ietf:params:scim:schemas:core:2.0:Schema";
const RESOURCE_TYPE: &str = "urn:ietf:params:scim:schemas:core:2.0:ResourceType";
const CONFIG: &str = "urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig";

/// A way to authenticate, for the service provider's configuration.
#[derive(Clone, Copy, Debug)]
pub(in crate::http) struct AuthenticationScheme<'a> {
    /// `oauthbearertoken` or `oauth2`.
    pub(in crate::http) kind: &'a str,
    /// What people call it.
    pub(in crate::http) name: &'a str,
    /// A sentence.
    pub(in crate::http) description: &'a str,
}

/// What the service provider's configuration says of limits and features.
#[derive(Clone, Copy, Debug)]
pub(in crate::http) struct ProviderLimits<'a> {
    /// Where people read about it.
    pub(in crate::http) documentation_uri: Option<&'a str>,
    /// The most operations of a bulk request; `None` when there are none.
    pub(in crate::http) bulk_max_operations: Option<u64>,
    /// The largest bulk request.
    pub(in crate::http) bulk_max_payload_bytes: u64,
    /// The most resources of an answer.
    pub(in crate::http) filter_max_results: u64,
    /// Whether `sortBy` is supported.
    pub(in crate::http) sort: bool,
    /// The size of a page that does not ask for one.
    pub(in crate::http) default_page_size: u64,
    /// The largest page.
    pub(in crate::http) max_page_size: u64,
    /// How long a cursor is good, if not for ever.
    pub(in crate::http) cursor_timeout_s: Option<u64>,
    /// How clients authenticate; the first is preferred.
    pub(in crate::http) authentication: &'a [AuthenticationScheme<'a>],
}

/// The schemas of a user: the core one, and the extension.
pub(in crate::http) fn schemas(base: &str) -> [Value; 2] {
    [
        schema(base, USER, "User", "User Account", USER_ATTRIBUTES),
        schema(
            base,
            ENTERPRISE,
            "EnterpriseUser",
            "Enterprise User",
            ENTERPRISE_ATTRIBUTES,
        ),
    ]
}

/// The types of resources: users alone.
pub(in crate::http) fn resource_types(base: &str) -> [Value; 1] {
    [json!({
        "schemas": [RESOURCE_TYPE],
        "id": "User",
        "name": "User",
        "description": "User Account",
        "endpoint": "/Users",
        "schema": USER,
        "schemaExtensions": [{ "schema": ENTERPRISE, "required": false }],
        "meta": {
            "resourceType": "ResourceType",
            "location": format!("{base}/ResourceTypes/User"),
        },
    })]
}

/// What the server supports, with cursors as RFC 9865 has them.
pub(in crate::http) fn service_provider_config(base: &str, limits: &ProviderLimits<'_>) -> Value {
    let schemes: Vec<Value> = limits
        .authentication
        .iter()
        .enumerate()
        .map(|(index, scheme)| {
            json!({
                "type": scheme.kind,
                "name": scheme.name,
                "description": scheme.description,
                "primary": index == 0,
            })
        })
        .collect();
    let mut config = json!({
        "schemas": [CONFIG],
        "patch": { "supported": true },
        "bulk": {
            "supported": limits.bulk_max_operations.is_some(),
            "maxOperations": limits.bulk_max_operations.unwrap_or(0),
            "maxPayloadSize": limits.bulk_max_payload_bytes,
        },
        "filter": { "supported": true, "maxResults": limits.filter_max_results },
        "changePassword": { "supported": false },
        "sort": { "supported": limits.sort },
        "etag": { "supported": true },
        "pagination": {
            "cursor": true,
            "index": true,
            "defaultPaginationMethod": "index",
            "defaultPageSize": limits.default_page_size,
            "maxPageSize": limits.max_page_size,
        },
        "authenticationSchemes": schemes,
        "meta": {
            "resourceType": "ServiceProviderConfig",
            "location": format!("{base}/ServiceProviderConfig"),
        },
    });
    if let Some(uri) = limits.documentation_uri {
        config["documentationUri"] = Value::from(uri);
    }
    if let Some(seconds) = limits.cursor_timeout_s {
        config["pagination"]["cursorTimeout"] = Value::from(seconds);
    }
    config
}

fn schema(
    base: &str,
    id: &str,
    name: &str,
    description: &str,
    attributes: &'static [Attribute],
) -> Value {
    let attributes: Vec<Value> = attributes.iter().map(attribute).collect();
    json!({
        "schemas": [SCHEMA],
        "id": id,
        "name": name,
        "description": description,
        "attributes": attributes,
        "meta": {
            "resourceType": "Schema",
            "location": format!("{base}/Schemas/{id}"),
        },
    })
}

fn attribute(declared: &Attribute) -> Value {
    let mut document = json!({
        "name": declared.name,
        "type": declared.kind.as_str(),
        "multiValued": declared.multi_valued,
        "description": declared.description,
        "required": declared.required,
        "mutability": match declared.mutability {
            Mutability::ReadOnly => "readOnly",
            Mutability::ReadWrite => "readWrite",
        },
        "returned": match declared.returned {
            Returned::Always => "always",
            Returned::Default => "default",
        },
    });
    // The other characteristics are of strings (RFC 7643, 7).
    if declared.kind == Kind::String {
        document["caseExact"] = Value::from(declared.case_exact);
        document["uniqueness"] = Value::from(match declared.uniqueness {
            Uniqueness::None => "none",
            Uniqueness::Server => "server",
        });
    }
    if !declared.canonical_values.is_empty() {
        document["canonicalValues"] = Value::from(declared.canonical_values);
    }
    if !declared.sub_attributes.is_empty() {
        let parts: Vec<Value> = declared.sub_attributes.iter().map(attribute).collect();
        document["subAttributes"] = Value::from(parts);
    }
    document
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: &str = "https://roster.example/scim/v2";

    #[test]
    fn the_schema_documents_list_every_declared_attribute() {
        let [user, enterprise] = schemas(BASE);
        assert_eq!(user["id"], USER);
        assert_eq!(user["meta"]["location"], format!("{BASE}/Schemas/{USER}"));
        let user_name = &user["attributes"][0];
        assert_eq!(
            *user_name,
            json!({
                "name": "userName", "type": "string", "multiValued": false, "required": true,
                "caseExact": false, "mutability": "readWrite", "returned": "default",
                "uniqueness": "server", "description": user_name["description"],
            })
        );
        let names = |schema: &Value| -> Vec<String> {
            let attributes = schema["attributes"].as_array().unwrap();
            attributes
                .iter()
                .map(|attribute| attribute["name"].as_str().unwrap().to_owned())
                .collect()
        };
        assert_eq!(
            names(&user),
            [
                "userName",
                "name",
                "displayName",
                "title",
                "active",
                "emails",
                "phoneNumbers"
            ]
        );
        assert_eq!(
            names(&enterprise),
            ["employeeNumber", "department", "manager"]
        );
        let emails = &user["attributes"][5];
        assert_eq!(emails["multiValued"], true);
        assert_eq!(emails["subAttributes"][1]["canonicalValues"][0], "work");
        assert_eq!(emails["subAttributes"][2]["type"], "boolean");
    }

    #[test]
    fn every_attribute_has_a_description() {
        fn check(attribute: &Value) {
            assert_ne!(attribute["description"], "", "{attribute}");
            for part in attribute["subAttributes"].as_array().into_iter().flatten() {
                check(part);
            }
        }
        for schema in schemas(BASE) {
            for attribute in schema["attributes"].as_array().unwrap() {
                check(attribute);
            }
        }
    }

    #[test]
    fn the_configuration_says_what_is_supported() {
        let mut limits = ProviderLimits {
            documentation_uri: None,
            bulk_max_operations: None,
            bulk_max_payload_bytes: 0,
            filter_max_results: 200,
            sort: true,
            default_page_size: 100,
            max_page_size: 200,
            cursor_timeout_s: None,
            authentication: &[AuthenticationScheme {
                kind: "oauthbearertoken",
                name: "OAuth Bearer Token",
                description: "A token in the Authorization header field.",
            }],
        };
        let config = service_provider_config(BASE, &limits);
        assert_eq!(config["bulk"]["supported"], false);
        assert_eq!(config["authenticationSchemes"][0]["primary"], true);
        assert_eq!(config.get("documentationUri"), None);
        assert_eq!(config["pagination"].get("cursorTimeout"), None);
        limits.bulk_max_operations = Some(1000);
        limits.cursor_timeout_s = Some(3600);
        limits.documentation_uri = Some("https://roster.example/docs");
        let config = service_provider_config(BASE, &limits);
        assert_eq!(config["bulk"]["maxOperations"], 1000);
        assert_eq!(config["pagination"]["cursorTimeout"], 3600);
        assert_eq!(config["documentationUri"], "https://roster.example/docs");
    }
}
