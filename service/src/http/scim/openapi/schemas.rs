//! The documents of SCIM as JSON Schemas. Those of users are made from the declared attributes.

use crate::http::scim::lists::{LIST_RESPONSE, MAX_START_INDEX};
use crate::http::scim::protocol::attribute::{Attribute, Kind, Mutability};
use crate::http::scim::protocol::schema::{
    COMMON_ATTRIBUTES, ENTERPRISE, ENTERPRISE_ATTRIBUTES, MAX_TEXT_BYTES, MAX_VALUES, USER,
    USER_ATTRIBUTES,
};
use serde_json::{Map, Value, json};

/// Whose document of a user it is.
#[derive(Clone, Copy, PartialEq)]
enum Side {
    /// What a client sends.
    Request,
    /// What it gets; every attribute but these may have been left out by the client's wish.
    Response,
}

/// Every schema, by its name.
pub(super) fn all() -> Value {
    let mut all = messages();
    all["User"] = user(Side::Response);
    all["NewUser"] = user(Side::Request);
    for (name, schema) in [
        ("ResourceTypes", "ResourceType"),
        ("Schemas", "Schema"),
        ("ListResponse", "User"),
    ] {
        all[name] = list(schema);
    }
    all["ListResponse"]["properties"]["nextCursor"] =
        json!({"type": "string", "description": "The cursor of the next page; absent on the last"});
    all
}

fn user(side: Side) -> Value {
    let mut properties = Map::new();
    for attribute in COMMON_ATTRIBUTES.iter().chain(USER_ATTRIBUTES) {
        if side == Side::Response || attribute.mutability == Mutability::ReadWrite {
            properties.insert(attribute.name.to_owned(), of_attribute(attribute, side));
        }
    }
    properties.insert(
        "schemas".into(),
        json!({"type": "array", "items": {"type": "string", "enum": [USER, ENTERPRISE]}, "contains": {"const": USER}}),
    );
    properties.insert(
        ENTERPRISE.to_owned(),
        object(ENTERPRISE_ATTRIBUTES, "The enterprise extension", side),
    );
    let required = match side {
        Side::Request => vec!["userName"],
        Side::Response => vec!["schemas", "id"],
    };
    json!({"type": "object", "properties": properties, "required": required})
}

fn of_attribute(attribute: &Attribute, side: Side) -> Value {
    let mut schema = match attribute.kind {
        Kind::String => json!({"type": "string", "maxLength": MAX_TEXT_BYTES}),
        Kind::Boolean => json!({"type": "boolean"}),
        Kind::DateTime => json!({"type": "string", "format": "date-time"}),
        Kind::Reference => json!({"type": "string"}),
        Kind::Complex => object(attribute.sub_attributes, "", side),
    };
    if !attribute.canonical_values.is_empty() {
        schema["examples"] = attribute.canonical_values.into();
    }
    if attribute.name == "id" {
        schema["format"] = "uuid".into();
    }
    if attribute.multi_valued {
        schema = json!({"type": "array", "items": schema, "maxItems": MAX_VALUES});
    }
    if !attribute.description.is_empty() {
        schema["description"] = attribute.description.into();
    }
    schema
}

fn object(attributes: &[Attribute], description: &str, side: Side) -> Value {
    let properties: Map<String, Value> = attributes
        .iter()
        .map(|attribute| (attribute.name.to_owned(), of_attribute(attribute, side)))
        .collect();
    let mut schema = json!({"type": "object", "properties": properties});
    if !description.is_empty() {
        schema["description"] = description.into();
    }
    schema
}

/// A message that names itself in `schemas`.
fn message(urn: &str, properties: Value, required: &[&str]) -> Value {
    let mut members = properties;
    members["schemas"] =
        json!({"type": "array", "items": {"type": "string"}, "contains": {"const": urn}});
    let mut schema = json!({"type": "object", "required": required});
    schema["properties"] = members;
    schema
}

fn list(of: &str) -> Value {
    let count = json!({"type": "integer", "minimum": 0});
    message(
        LIST_RESPONSE,
        json!({
            "totalResults": {"type": "integer", "minimum": 0, "description": "How many there are in all; absent on a page by cursor"},
            "startIndex": {"type": "integer", "minimum": 1},
            "itemsPerPage": count,
            "Resources": {"type": "array", "items": {"$ref": format!("#/components/schemas/{of}")}},
        }),
        &["schemas", "itemsPerPage", "Resources"],
    )
}

fn messages() -> Value {
    let text = json!({"type": "string"});
    let names = json!({"type": "array", "items": text});
    let any = json!({});
    json!({
        "PatchRequest": message("urn:ietf:params:scim:api:messages:2.0:PatchOp", json!({
            "Operations": {"type": "array", "minItems": 1, "items": {
                "type": "object", "required": ["op"],
                "properties": {
                    "op": {"type": "string", "enum": ["add", "remove", "replace"], "description": "In any case"},
                    "path": {"type": "string", "description": "An attribute path (RFC 7644, 3.5.2)", "examples": ["emails[type eq \"work\"].value"]},
                    "value": any,
                },
            }},
        }), &["Operations"]),
        "SearchRequest": message("urn:ietf:params:scim:api:messages:2.0:SearchRequest", json!({
            "attributes": names, "excludedAttributes": names, "filter": text, "sortBy": text,
            "sortOrder": {"type": "string", "enum": ["ascending", "descending"]},
            "startIndex": {"type": "integer", "maximum": MAX_START_INDEX}, "count": {"type": "integer"}, "cursor": text,
        }), &[]),
        "BulkRequest": message("urn:ietf:params:scim:api:messages:2.0:BulkRequest", json!({
            "failOnErrors": {"type": "integer", "minimum": 1, "description": "After how many errors the rest is left"},
            "Operations": {"type": "array", "items": {
                "type": "object", "required": ["method", "path"],
                "properties": {
                    "method": {"type": "string", "enum": ["POST", "PUT", "PATCH", "DELETE"]},
                    "path": {"type": "string", "examples": ["/Users", "/Users/bulkId:1"]},
                    "bulkId": {"type": "string", "description": "Required for POST"},
                    "version": {"type": "string", "description": "An entity tag, as If-Match has it"},
                    "data": any,
                },
            }},
        }), &["Operations"]),
        "BulkResponse": message("urn:ietf:params:scim:api:messages:2.0:BulkResponse", json!({
            "Operations": {"type": "array", "items": {
                "type": "object", "required": ["method", "status"],
                "properties": {
                    "method": text, "bulkId": text, "location": text, "version": text, "status": text,
                    "response": {"$ref": "#/components/schemas/Error"},
                },
            }},
        }), &["schemas", "Operations"]),
        "Error": message("urn:ietf:params:scim:api:messages:2.0:Error", json!({
            "status": text, "detail": text,
            "scimType": {"type": "string", "description": "RFC 7644, table 9, and RFC 9865, 3"},
        }), &["schemas", "status", "detail"]),
        "ServiceProviderConfig": message("urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig", json!({
            "patch": supported(json!({})),
            "bulk": supported(json!({"maxOperations": {"type": "integer"}, "maxPayloadSize": {"type": "integer"}})),
            "filter": supported(json!({"maxResults": {"type": "integer"}})),
            "changePassword": supported(json!({})), "sort": supported(json!({})), "etag": supported(json!({})),
            "pagination": {"type": "object", "description": "RFC 9865, 4"},
            "authenticationSchemes": {"type": "array", "items": {"type": "object"}},
            "meta": {"type": "object"},
        }), &["schemas", "patch", "bulk", "filter", "changePassword", "sort", "etag", "authenticationSchemes"]),
        "ResourceType": message("urn:ietf:params:scim:schemas:core:2.0:ResourceType", json!({
            "id": text, "name": text, "description": text, "endpoint": text, "schema": text,
            "schemaExtensions": {"type": "array", "items": {"type": "object"}}, "meta": {"type": "object"},
        }), &["schemas", "name", "endpoint", "schema"]),
        "Schema": message("urn:ietf:params:scim:schemas:core:2.0:Schema", json!({
            "id": text, "name": text, "description": text, "attributes": {"type": "array", "items": {"type": "object"}},
            "meta": {"type": "object"},
        }), &["schemas", "id", "attributes"]),
    })
}

/// A feature of the service provider's configuration.
fn supported(mut properties: Value) -> Value {
    properties["supported"] = json!({"type": "boolean"});
    json!({"type": "object", "properties": properties, "required": ["supported"]})
}
