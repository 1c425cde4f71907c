//! SCIM, as identity providers use it. One file for each behaviour; `providers` has the requests of each provider in its own shapes.

mod bulk;
mod client_tokens;
mod discovery;
mod errors;
mod lists;
mod providers;
mod races;
mod two_views;
mod users;

use crate::test_app::{Answer, TestApp};
use serde_json::{Value, json};

pub(crate) const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
pub(crate) const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
const SCIM_JSON: &[(&str, &str)] = &[("content-type", "application/scim+json")];

/// A service with SCIM, where no token is needed.
async fn scim_app() -> TestApp {
    TestApp::start_with(&["--scim"]).await
}

/// Sends a request below `/scim/v2`.
async fn send(app: &TestApp, method: &str, path: &str, body: &Value) -> Answer {
    let body = if body.is_null() {
        String::new()
    } else {
        body.to_string()
    };
    app.send(method, &format!("/scim/v2{path}"), SCIM_JSON, &body)
        .await
}

async fn get(app: &TestApp, path: &str) -> Answer {
    send(app, "GET", path, &Value::Null).await
}

/// Creates a user that has to be valid and new.
async fn created(app: &TestApp, mut user: Value) -> Value {
    user["schemas"] = json!([USER]);
    let answer = send(app, "POST", "/Users", &user).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    answer.json()
}

fn path(user: &Value) -> String {
    format!("/Users/{}", user["id"].as_str().expect("an id"))
}

/// Patches a user, which has to work.
async fn patched(app: &TestApp, user: &Value, operations: Value) -> Value {
    let answer = send(app, "PATCH", &path(user), &patch(operations)).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()
}

#[allow(
    clippy::needless_pass_by_value,
    reason = "every caller makes it in place"
)]
fn patch(operations: Value) -> Value {
    json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": operations})
}

/// The `scimType` of a refusal; demands everything that an error of SCIM has.
fn refusal(answer: &Answer) -> String {
    assert_eq!(
        answer.header("content-type"),
        "application/scim+json",
        "{answer:?}"
    );
    let document = answer.json();
    assert_eq!(
        document["schemas"],
        json!(["urn:ietf:params:scim:api:messages:2.0:Error"])
    );
    assert_eq!(document["status"], answer.status.as_str());
    assert!(document["detail"].is_string(), "{document}");
    document["scimType"].as_str().unwrap_or("").to_owned()
}

/// A query string with this filter.
fn filtered(filter: &str) -> String {
    let encoded = percent_encoding::utf8_percent_encode(filter, percent_encoding::NON_ALPHANUMERIC);
    format!("/Users?filter={encoded}")
}

/// The user names on a page.
fn user_names(page: &Value) -> Vec<&str> {
    let users = page["Resources"].as_array().expect("Resources");
    users
        .iter()
        .map(|user| user["userName"].as_str().expect("a userName"))
        .collect()
}
