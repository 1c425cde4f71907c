//! Parameters, bodies and responses of the operations of SCIM.

use crate::http::api::route::Operation;
use crate::http::scim::lists::{DEFAULT_COUNT, MAX_COUNT, MAX_START_INDEX};
use serde_json::{Value, json};

const SCIM_JSON: &str = "application/scim+json";

/// What an operation takes and answers when it succeeds; `None` for what the document leaves out.
#[allow(clippy::too_many_lines, reason = "one entry for each operation")]
pub(super) fn describe(operation: Operation) -> Option<Value> {
    let found = |schema: &str, description: &str| answer(200, description, schema, &[]);
    let user =
        |status: u16, description: &str| answer(status, description, "User", &["ETag", "Location"]);
    Some(match operation {
        Operation::ReadScimConfiguration => discovery(
            "Read what is supported",
            &found("ServiceProviderConfig", "The configuration"),
        ),
        Operation::ListScimResourceTypes => discovery(
            "List the resource types",
            &found("ResourceTypes", "The resource types"),
        ),
        Operation::ReadScimResourceType => with_id(discovery(
            "Read a resource type",
            &found("ResourceType", "The resource type"),
        )),
        Operation::ListScimSchemas => {
            discovery("List the schemas", &found("Schemas", "The schemas"))
        }
        Operation::ReadScimSchema => {
            with_id(discovery("Read a schema", &found("Schema", "The schema")))
        }
        Operation::ReadScimMe
        | Operation::CreateScimMe
        | Operation::ReplaceScimMe
        | Operation::PatchScimMe
        | Operation::DeleteScimMe => discovery("Not supported: a client is not a user", &json!({})),
        Operation::ListScimUsers => json!({
            "tags": ["users"], "summary": "List users", "parameters": list_parameters(),
            "responses": found("ListResponse", "A page of users"),
        }),
        Operation::CreateScimUser => json!({
            "tags": ["users"], "summary": "Create a user", "parameters": projection(),
            "requestBody": body("NewUser"), "responses": user(201, "The user was created"),
        }),
        Operation::SearchScimUsers => {
            search("Search users", &found("ListResponse", "A page of users"))
        }
        Operation::SearchScim => search(
            "Search all resources",
            &found("ListResponse", "A page of users"),
        ),
        Operation::ReadScimUser => {
            let mut responses = user(200, "The user");
            responses["304"] = json!({"description": "The client has the present version"});
            json!({
                "tags": ["users"], "summary": "Read a user",
                "parameters": parameters(&[user_id(), condition("If-None-Match"), condition("If-Match")], projection()),
                "responses": responses,
            })
        }
        Operation::ReplaceScimUser => change(
            "Replace a user",
            "NewUser",
            &user(200, "The user as it is now"),
        ),
        Operation::PatchScimUser => change(
            "Patch a user",
            "PatchRequest",
            &user(200, "The user as it is now"),
        ),
        Operation::DeleteScimUser => json!({
            "tags": ["users"], "summary": "Delete a user", "parameters": [user_id(), condition("If-Match")],
            "responses": {"204": {"description": "The user was deleted"}},
        }),
        Operation::ScimBulkRequest => json!({
            "tags": ["bulk"], "summary": "Make many changes", "requestBody": body("BulkRequest"),
            "responses": found("BulkResponse", "The outcome of each operation"),
        }),
        _ => return None,
    })
}

/// The errors that an operation may answer with: status, and what it means.
pub(super) fn errors(operation: Operation) -> Vec<(&'static str, &'static str)> {
    let mut errors = vec![
        (
            "400",
            "The request is malformed or invalid; scimType says how",
        ),
        ("401", "The token is missing, unknown, expired or revoked"),
        (
            "403",
            "The token lacks the scope, or the resource cannot be filtered",
        ),
        ("406", "The client accepts no JSON"),
        ("412", "A condition such as If-Match does not hold"),
        ("414", "The URL is too long"),
        ("429", "The client has exceeded its rate limit"),
        ("431", "The header fields are too large"),
        ("500", "A bug in the service"),
        (
            "503",
            "The database is unavailable, or the service is overloaded",
        ),
    ];
    if operation.reads_body() {
        errors.push(("408", "The body did not arrive before the deadline"));
        errors.push(("413", "The body is too large, or has too many operations"));
        errors.push((
            "415",
            "The body must be application/scim+json or application/json",
        ));
    }
    match operation {
        Operation::ReadScimMe
        | Operation::CreateScimMe
        | Operation::ReplaceScimMe
        | Operation::PatchScimMe
        | Operation::DeleteScimMe => errors.push(("501", "Not supported")),
        Operation::ReadScimResourceType | Operation::ReadScimSchema => {
            errors.push(("404", "There is no such document"));
        }
        Operation::ReadScimUser | Operation::DeleteScimUser => errors.push(NO_USER),
        Operation::CreateScimUser => errors.push(TAKEN),
        Operation::ReplaceScimUser | Operation::PatchScimUser => errors.extend([NO_USER, TAKEN]),
        _ => {}
    }
    errors
}

const NO_USER: (&str, &str) = ("404", "No user has this id");
const TAKEN: (&str, &str) = (
    "409",
    "Another user has the userName or an address, or the client's externalId (scimType uniqueness)",
);

/// The response to a request that failed.
pub(super) fn error(status: &str, description: &str) -> Value {
    let mut response = json!({
        "description": description,
        "headers": {"X-Request-Id": header("The id of the request in the log")},
        "content": {SCIM_JSON: {"schema": reference("Error")}},
    });
    let more = match status {
        "429" | "503" => "Retry-After",
        "401" | "403" => "WWW-Authenticate",
        _ => return response,
    };
    response["headers"][more] = json!({"schema": {"type": "string"}});
    response
}

fn discovery(summary: &str, responses: &Value) -> Value {
    json!({"tags": ["discovery"], "summary": summary, "responses": responses})
}

fn with_id(mut operation: Value) -> Value {
    operation["parameters"] = json!([
        {"name": "id", "in": "path", "required": true, "description": "The id of the document", "schema": {"type": "string"}},
    ]);
    operation
}

fn change(summary: &str, schema: &str, responses: &Value) -> Value {
    json!({
        "tags": ["users"], "summary": summary,
        "parameters": parameters(&[user_id(), condition("If-Match")], projection()),
        "requestBody": body(schema), "responses": responses,
    })
}

fn search(summary: &str, responses: &Value) -> Value {
    json!({
        "tags": ["users"], "summary": summary, "requestBody": body("SearchRequest"), "responses": responses,
    })
}

fn answer(status: u16, description: &str, schema: &str, headers: &[&str]) -> Value {
    let mut response = json!({
        "description": description,
        "content": {SCIM_JSON: {"schema": reference(schema)}},
    });
    for name in headers {
        response["headers"][name] = header(match *name {
            "ETag" => "The strong entity tag of this version, as in meta.version",
            _ => "The URL of the user, as in meta.location",
        });
    }
    json!({status.to_string(): response})
}

fn body(schema: &str) -> Value {
    let content = json!({"schema": reference(schema)});
    json!({"required": true, "content": {SCIM_JSON: content, "application/json": content}})
}

fn reference(schema: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{schema}")})
}

fn header(description: &str) -> Value {
    json!({"description": description, "schema": {"type": "string"}})
}

fn parameters(first: &[Value], more: Vec<Value>) -> Vec<Value> {
    first.iter().cloned().chain(more).collect()
}

fn user_id() -> Value {
    json!({
        "name": "id", "in": "path", "required": true, "description": "The user's id",
        "schema": {"type": "string", "format": "uuid"},
    })
}

fn condition(name: &str) -> Value {
    json!({
        "name": name, "in": "header", "required": false, "description": "Entity tags of versions",
        "schema": {"type": "string"},
    })
}

fn query(name: &str, description: &str, schema: &Value) -> Value {
    json!({"name": name, "in": "query", "required": false, "description": description, "schema": schema})
}

/// Which attributes the answer has (RFC 7644, 3.9).
fn projection() -> Vec<Value> {
    let names = json!({"type": "string"});
    vec![
        query(
            "attributes",
            "Names of attributes, separated by commas: the answer has these alone",
            &names,
        ),
        query(
            "excludedAttributes",
            "Names of attributes, separated by commas: the answer does not have these",
            &names,
        ),
    ]
}

fn list_parameters() -> Vec<Value> {
    let own = [
        query(
            "filter",
            "A filter (RFC 7644, 3.4.2.2) that an index answers",
            &json!({"type": "string"}),
        ),
        query(
            "startIndex",
            "The first user of the page, counted from 1",
            &json!({"type": "integer", "maximum": MAX_START_INDEX, "default": 1}),
        ),
        query(
            "count",
            "Maximum number of users on the page; more than the most counts as the most",
            &json!({"type": "integer", "default": DEFAULT_COUNT, "examples": [MAX_COUNT]}),
        ),
        query(
            "cursor",
            "Where the page starts: nextCursor of the previous page; empty on the first (RFC 9865)",
            &json!({"type": "string"}),
        ),
        query(
            "sortBy",
            "The attribute to sort by",
            &json!({"type": "string", "enum": ["meta.created", "userName", "emails.value", "displayName", "name.formatted"]}),
        ),
        query(
            "sortOrder",
            "The sort order",
            &json!({"type": "string", "enum": ["ascending", "descending"], "default": "ascending"}),
        ),
    ];
    parameters(&own, projection())
}
