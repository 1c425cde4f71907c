//! What an identity provider does on every route of SCIM, and what it is refused.

use super::Findings;
use super::story::{BODY, Caller, DEPARTMENT, EMAIL, KEY, NAME, OTHER, PHONE, QUERY, TITLE};
use serde_json::{Value, json};

const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

fn user(user_name: &str) -> Value {
    json!({
        "schemas": [USER, ENTERPRISE], "userName": user_name, "externalId": format!("{KEY} {user_name}"),
        "displayName": NAME, "title": TITLE, "phoneNumbers": [{"value": PHONE}, {"value": OTHER}],
        "emails": [{"value": format!("{user_name}.{EMAIL}")}],
        ENTERPRISE: {"department": DEPARTMENT, "employeeNumber": BODY},
    })
}

/// Walks every route of SCIM; the token is a long-lived one.
pub(super) async fn provision(caller: &Caller<'_>, findings: &mut Findings) {
    let body = user(&format!("{OTHER} user")).to_string();
    let created = caller.send("POST", "/scim/v2/Users", &[], &body).await;
    assert_eq!(created.status, 201, "{created:?}");
    let id = created.json()["id"].as_str().expect("an id").to_owned();
    let path = format!("/scim/v2/Users/{id}");
    let patch = |value: Value| {
        let schemas = ["urn:ietf:params:scim:api:messages:2.0:PatchOp"];
        json!({"schemas": schemas, "Operations": [value]}).to_string()
    };
    let replace = patch(json!({"op": "replace", "path": "title", "value": format!("{TITLE} 2")}));
    let wrong = patch(json!({"op": "replace", "path": "title", "value": [BODY, OTHER]}));
    let search = json!({"filter": format!("userName eq \"{OTHER} user\"")}).to_string();
    let bulk = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
        "Operations": [
            {"method": "POST", "path": "/Users", "bulkId": "1", "data": user(&format!("{OTHER} bulk"))},
            {"method": "POST", "path": "/Users", "bulkId": "2", "data": user(&format!("{OTHER} user"))},
        ],
    })
    .to_string();
    let filter = |filter: &str| {
        let value =
            percent_encoding::utf8_percent_encode(filter, percent_encoding::NON_ALPHANUMERIC);
        format!("/scim/v2/Users?filter={value}")
    };
    let (found, refused) = (
        filter(&format!("userName eq \"{QUERY}\"")),
        filter(&format!("displayName co \"{QUERY}\"")),
    );
    let long = user(&BODY.repeat(100)).to_string();
    for (method, path, body, status) in [
        ("GET", path.as_str(), "", 200),
        ("PUT", &path, &body, 200),
        ("PATCH", &path, &replace, 200),
        ("PATCH", &path, &wrong, 400),
        ("GET", &found, "", 200),
        ("GET", &refused, "", 400),
        ("GET", "/scim/v2/Users?count=1&cursor=canaryquery", "", 400),
        ("GET", "/scim/v2/openapi.json", "", 200),
        ("POST", "/scim/v2/Users/.search", &search, 200),
        ("POST", "/scim/v2/.search", &search, 200),
        ("POST", "/scim/v2/Bulk", &bulk, 200),
        ("POST", "/scim/v2/Users", &body, 409),
        ("POST", "/scim/v2/Users", &long, 400),
        ("POST", "/scim/v2/Users", BODY, 400),
        ("GET", "/scim/v2/Me", "", 501),
        ("GET", "/scim/v2/ServiceProviderConfig", "", 200),
        ("GET", "/scim/v2/ResourceTypes", "", 200),
        ("GET", "/scim/v2/ResourceTypes/User", "", 200),
        ("GET", "/scim/v2/Schemas", "", 200),
        ("GET", &format!("/scim/v2/Schemas/{USER}"), "", 200),
        ("DELETE", &path, "", 204),
    ] {
        let answer = caller.send(method, path, &[], body).await;
        assert_eq!(answer.status, status, "{method} {path}: {answer:?}");
        if status >= 400 {
            findings.error(&format!("{method} {path} of SCIM"), &answer);
        }
    }
}
