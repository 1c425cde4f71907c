//! What real providers send, in the shapes that their documents and their users report.

use super::{
    ENTERPRISE, USER, created, filtered, get, patch, patched, path, refusal, scim_app, send,
    user_names,
};
use crate::access::GuardedApp;
use crate::test_app::TestApp;
use serde_json::{Value, json};

/// A client whose profile is Entra's.
struct Entra {
    guarded: GuardedApp,
    token: String,
}

impl Entra {
    async fn start() -> Self {
        let guarded = GuardedApp::start(&["--scim"]).await;
        let (_, token) = super::client_tokens::token(&guarded, &["--scim-profile", "entra"]).await;
        Self { guarded, token }
    }

    async fn send(&self, method: &str, path: &str, body: &Value) -> crate::test_app::Answer {
        let body = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        self.guarded
            .send(&self.token, method, &format!("/scim/v2{path}"), &body)
            .await
    }

    async fn patched(&self, user: &Value, operations: Value) -> Value {
        let answer = self.send("PATCH", &path(user), &patch(operations)).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json()
    }
}

/// The user that Entra's documentation creates.
fn entra_user() -> Value {
    json!({
        "schemas": [USER, ENTERPRISE],
        "externalId": "0a21f0f2-8d2a-4f8e-bf98-7363c4aed4ef",
        "userName": "Test_User_ab6490ee-1e48-479e-a20b-2d77186b5dd1@example.com",
        "active": true,
        "emails": [{"primary": true, "type": "work", "value": "Test_User_fd0ea19b-0777-472c-9f96-4f70d2226f2e@testuser.com"}],
        "meta": {"resourceType": "User"},
        "name": {"formatted": "givenName familyName", "familyName": "familyName", "givenName": "givenName"},
        "roles": [],
    })
}

#[tokio::test]
async fn entra_looks_a_user_up_before_it_creates_it() {
    let entra = Entra::start().await;
    let lookup = filtered("externalId eq \"0a21f0f2-8d2a-4f8e-bf98-7363c4aed4ef\"");
    let nobody = entra.send("GET", &lookup, &Value::Null).await;
    assert_eq!(nobody.status, 200);
    let nobody = nobody.json();
    assert_eq!(
        (&nobody["totalResults"], &nobody["Resources"]),
        (&json!(0), &json!([]))
    );
    let made = entra.send("POST", "/Users", &entra_user()).await;
    assert_eq!(made.status, 201, "{made:?}");
    let made = made.json();
    for name in ["externalId", "userName", "active", "emails", "name"] {
        assert_eq!(made[name], entra_user()[name], "{name}");
    }
    assert_eq!(
        entra.send("GET", &lookup, &Value::Null).await.json()["totalResults"],
        1
    );
    let again = entra.send("POST", "/Users", &entra_user()).await;
    assert_eq!(
        (again.status.as_u16(), refusal(&again).as_str()),
        (409, "uniqueness")
    );
}

#[tokio::test]
async fn entra_patches_with_capital_operations_and_booleans_as_text() {
    let entra = Entra::start().await;
    let user = entra.send("POST", "/Users", &entra_user()).await.json();
    let suspended = entra
        .patched(
            &user,
            json!([{"op": "Replace", "path": "active", "value": "False"}]),
        )
        .await;
    assert_eq!(suspended["active"], false);
    let found = entra
        .send("GET", &filtered("active eq \"False\""), &Value::Null)
        .await
        .json();
    assert_eq!(found["totalResults"], 1);
    let active = entra
        .patched(
            &user,
            json!([{"op": "Add", "path": "active", "value": "True"}]),
        )
        .await;
    assert_eq!(active["active"], true);
    let changed = entra.patched(&user, json!([
        {"op": "Replace", "path": "emails[type eq \"work\"].value", "value": "updated@example.com"},
        {"op": "Replace", "path": "name.familyName", "value": "updatedFamilyName"},
        {"op": "Add", "path": format!("{ENTERPRISE}:department"), "value": "Engines"},
    ])).await;
    assert_eq!(changed["emails"][0]["value"], "updated@example.com");
    assert_eq!(changed["name"]["familyName"], "updatedFamilyName");
    assert_eq!(changed[ENTERPRISE]["department"], "Engines");
    let found = entra
        .send(
            "GET",
            &filtered("emails[type eq \"work\"].value eq \"updated@example.com\""),
            &Value::Null,
        )
        .await
        .json();
    assert_eq!(found["totalResults"], 1);
}

#[tokio::test]
async fn entra_sets_values_that_do_not_exist_yet_and_removes_those_that_do_not() {
    let entra = Entra::start().await;
    let body = json!({"schemas": [USER], "userName": "a@example.com", "externalId": "x"});
    let user = entra.send("POST", "/Users", &body).await.json();
    let operations = json!([
        {"op": "Add", "path": "phoneNumbers[type eq \"work\"].value", "value": "555-1234"},
        {"op": "Replace", "path": "emails[type eq \"work\"].value", "value": "a@work.example"},
        {"op": "Remove", "path": "phoneNumbers[type eq \"fax\"]"},
    ]);
    let changed = entra.patched(&user, operations.clone()).await;
    assert_eq!(changed["phoneNumbers"][0]["value"], "555-1234");
    assert_eq!(changed["emails"][0]["type"], "work");
    // By the standard alone there is no target.
    let app = scim_app().await;
    let user = created(&app, json!({"userName": "a@example.com"})).await;
    let strict = send(&app, "PATCH", &path(&user), &patch(operations)).await;
    assert_eq!(
        (strict.status.as_u16(), refusal(&strict).as_str()),
        (400, "noTarget")
    );
}

#[tokio::test]
async fn entra_patches_without_a_path_by_dotted_keys() {
    let entra = Entra::start().await;
    let user = entra.send("POST", "/Users", &entra_user()).await.json();
    let value = json!({"displayName": "New", "name.givenName": "Given", "active": "False", format!("{ENTERPRISE}:employeeNumber"): "42"});
    let changed = entra
        .patched(&user, json!([{"op": "Replace", "value": value}]))
        .await;
    assert_eq!(changed["displayName"], "New");
    assert_eq!(changed["name"]["givenName"], "Given");
    assert_eq!(changed["name"]["familyName"], "familyName");
    assert_eq!(changed["active"], false);
    assert_eq!(changed[ENTERPRISE]["employeeNumber"], "42");
}

#[tokio::test]
async fn entra_sets_a_manager_by_its_id_and_takes_it_away() {
    let entra = Entra::start().await;
    let user = entra.send("POST", "/Users", &entra_user()).await.json();
    let manager = format!("{ENTERPRISE}:manager");
    let set = entra.patched(&user, json!([{"op": "Add", "path": manager, "value": "26118915-6090-4610-87e4-49d8ca9f808d"}])).await;
    assert_eq!(
        set[ENTERPRISE]["manager"]["value"],
        "26118915-6090-4610-87e4-49d8ca9f808d"
    );
    let removed = entra
        .patched(&user, json!([{"op": "Remove", "path": manager}]))
        .await;
    assert!(
        removed
            .get(ENTERPRISE)
            .is_none_or(|members| members.get("manager").is_none())
    );
}

#[tokio::test]
async fn what_entras_validator_sends_is_never_an_error_where_it_is_not_declared() {
    let entra = Entra::start().await;
    let user = entra.send("POST", "/Users", &entra_user()).await.json();
    let unchanged = entra.patched(&user, json!([
        {"op": "Replace", "path": "preferredLanguage", "value": "en"},
        {"op": "Add", "path": "addresses[type eq \"work\"].locality", "value": "London"},
        {"op": "Replace", "path": "emails[type eq \"work\"].display", "value": "not declared"},
    ])).await;
    assert_eq!(unchanged["meta"]["version"], user["meta"]["version"]);
    let get = entra
        .send(
            "GET",
            &format!("{}?excludedAttributes=members", path(&user)),
            &Value::Null,
        )
        .await;
    assert_eq!(get.status, 200);
    let gone = entra
        .send(
            "GET",
            "/Users/5171a35d-82a3-4105-b7e7-3a9b0b2a6b50",
            &Value::Null,
        )
        .await;
    assert_eq!(gone.status, 404);
    assert_eq!(
        entra
            .send("DELETE", &path(&user), &Value::Null)
            .await
            .status,
        204
    );
}

#[tokio::test]
async fn okta_tests_imports_replaces_and_deactivates() {
    let app = scim_app().await;
    let page = get(&app, "/Users?startIndex=1&count=2").await;
    assert_eq!(
        (page.status.as_u16(), page.json()["totalResults"].clone()),
        (200, json!(0))
    );
    let lookup = filtered("userName eq \"test.user@okta.local\"") + "&startIndex=1&count=100";
    assert_eq!(get(&app, &lookup).await.json()["totalResults"], 0);
    let user = created(&app, json!({
        "userName": "test.user@okta.local", "name": {"givenName": "Test", "familyName": "User"},
        "emails": [{"primary": true, "value": "test.user@okta.local", "type": "work"}],
        "displayName": "Test User", "locale": "en-US", "externalId": "00ujl29u0le5T6Aj10h7", "groups": [], "password": "1mz050nq", "active": true,
    })).await;
    assert_eq!(
        get(&app, &lookup).await.json()["Resources"][0]["id"],
        user["id"]
    );
    let mut whole = user.clone();
    whole["name"]["givenName"] = "Another".into();
    let replaced = send(&app, "PUT", &path(&user), &whole).await;
    assert_eq!(replaced.status, 200, "{replaced:?}");
    assert_eq!(replaced.json()["name"]["givenName"], "Another");
    let suspended = patched(
        &app,
        &user,
        json!([{"op": "replace", "value": {"active": false}}]),
    )
    .await;
    assert_eq!(suspended["active"], false);
    let mut whole = suspended.clone();
    whole["active"] = true.into();
    assert_eq!(
        send(&app, "PUT", &path(&user), &whole).await.json()["active"],
        true
    );
}

#[tokio::test]
async fn onelogin_finds_by_user_name_and_sends_plain_json() {
    let app = scim_app().await;
    let body = json!({
        "schemas": [USER], "userName": "ola@example.com", "active": true, "externalId": 17.to_string(),
        "name": {"givenName": "Ola", "familyName": "N"}, "emails": [{"value": "ola@example.com", "primary": true}],
    });
    let json = [
        ("content-type", "application/json; charset=utf-8"),
        ("accept", "application/json"),
    ];
    let made = app
        .send("POST", "/scim/v2/Users", &json, &body.to_string())
        .await;
    assert_eq!(made.status, 201, "{made:?}");
    let found = get(&app, &filtered("userName eq \"ola@example.com\""))
        .await
        .json();
    assert_eq!(user_names(&found), ["ola@example.com"]);
}

#[tokio::test]
async fn jumpcloud_lists_deactivates_by_put_and_activates_again() {
    let app = scim_app().await;
    let user = created(
        &app,
        json!({
            "userName": "jc@example.com", "active": true, "displayName": "J C", "externalId": "5f",
            "emails": [{"type": "work", "primary": true, "value": "jc@example.com"}],
        }),
    )
    .await;
    let page = get(&app, "/Users?count=100&startIndex=1&sortBy=userName")
        .await
        .json();
    assert_eq!(user_names(&page), ["jc@example.com"]);
    let mut whole = user.clone();
    whole["active"] = false.into();
    assert_eq!(
        send(&app, "PUT", &path(&user), &whole).await.json()["active"],
        false
    );
    let suspended = get(&app, &filtered("userName eq \"jc@example.com\""))
        .await
        .json();
    assert_eq!(suspended["Resources"][0]["active"], false);
}

#[tokio::test]
async fn google_patches_several_attributes_in_one_value() {
    let app = scim_app().await;
    let user = created(&app, json!({"userName": "g@example.com", "emails": [{"primary": true, "type": "work", "value": "g@example.com"}]})).await;
    let value = json!({"name": {"givenName": "G", "familyName": "S"}, "active": false, "phoneNumbers": [{"type": "work", "value": "+15551234567"}]});
    let changed = patched(&app, &user, json!([{"op": "replace", "value": value}])).await;
    assert_eq!(changed["active"], false);
    assert_eq!(changed["phoneNumbers"][0]["value"], "+15551234567");
    let v1 = app
        .get(&format!(
            "/v1/users/{}",
            user["id"].as_str().expect("an id")
        ))
        .await
        .json();
    assert_eq!(
        (&v1["phone"], &v1["status"]),
        (&json!("+15551234567"), &json!("suspended"))
    );
}

/// A user whose name is not an address, as Keycloak and authentik have them.
async fn by_a_short_name(app: &TestApp, body: Value) -> Value {
    let user = created(app, body.clone()).await;
    assert_eq!(user["userName"], body["userName"]);
    let v1 = app
        .get(&format!(
            "/v1/users/{}",
            user["id"].as_str().expect("an id")
        ))
        .await
        .json();
    assert_eq!(v1["email"], body["emails"][0]["value"]);
    user
}

#[tokio::test]
async fn keycloak_names_users_by_short_names() {
    let app = scim_app().await;
    let user = by_a_short_name(&app, json!({
        "userName": "kc-user", "externalId": "6e1f", "active": true, "name": {"givenName": "K", "familyName": "C"},
        "emails": [{"value": "kc@example.com", "primary": true}],
    })).await;
    let mut whole = user.clone();
    whole["emails"][0]["value"] = "kc2@example.com".into();
    let replaced = send(&app, "PUT", &path(&user), &whole).await.json();
    assert_eq!(replaced["userName"], "kc-user");
    let found = get(&app, &filtered("emails.value eq \"kc2@example.com\""))
        .await
        .json();
    assert_eq!(user_names(&found), ["kc-user"]);
}

#[tokio::test]
async fn authentik_creates_with_nulls_and_finds_the_user_after_a_conflict() {
    let app = scim_app().await;
    let body = json!({
        "userName": "akadmin", "externalId": "b3f9", "displayName": "authentik Default Admin", "active": true,
        "name": {"formatted": "authentik Default Admin", "givenName": "authentik", "familyName": "Default Admin"},
        "emails": [{"primary": true, "type": "other", "value": "admin@example.com"}],
        "photos": null, "nickName": null, "locale": null, "phoneNumbers": null, "addresses": [],
    });
    let user = by_a_short_name(&app, body.clone()).await;
    let mut again = body;
    again["schemas"] = json!([USER]);
    assert_eq!(send(&app, "POST", "/Users", &again).await.status, 409);
    let found = get(&app, &filtered("userName eq \"akadmin\"")).await.json();
    assert_eq!(found["Resources"][0]["id"], user["id"]);
    assert_eq!(send(&app, "PUT", &path(&user), &again).await.status, 200);
}
