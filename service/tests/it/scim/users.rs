//! One user: created, read, replaced, patched, deleted; its versions.

use super::{ENTERPRISE, created, get, patch, patched, path, refusal, scim_app, send};
use serde_json::{Value, json};

#[tokio::test]
async fn a_user_that_is_created_is_read_back_as_it_was_written() {
    let app = scim_app().await;
    let body = json!({
        "userName": "ada@example.com", "externalId": "e-1", "displayName": "Ada L.", "title": "Analyst",
        "name": {"givenName": "Ada", "familyName": "Lovelace"},
        "emails": [{"value": "ada@example.com", "type": "work", "primary": true}, {"value": "a@home.example", "type": "home"}],
        "phoneNumbers": [{"value": "555-1234", "type": "work"}],
        "nickName": "is not declared", "password": "is not kept", "groups": [],
        ENTERPRISE: {"department": "Engines", "employeeNumber": "42", "manager": {"value": "m-1"}, "costCenter": "is not declared"},
    });
    let user = created(&app, body.clone()).await;
    let read = get(&app, &path(&user)).await;
    assert_eq!(read.status, 200);
    assert_eq!(read.header("content-type"), "application/scim+json");
    assert_eq!(read.json(), user);
    for name in [
        "userName",
        "externalId",
        "displayName",
        "title",
        "name",
        "emails",
        "phoneNumbers",
    ] {
        assert_eq!(user[name], body[name], "{name}");
    }
    assert_eq!(user["active"], true);
    assert_eq!(
        user[ENTERPRISE],
        json!({"department": "Engines", "employeeNumber": "42", "manager": {"value": "m-1"}})
    );
    assert!(user.get("nickName").is_none() && user.get("password").is_none());
    let location = format!("http://{}/scim/v2{}", app.address, path(&user));
    assert_eq!(user["meta"]["location"], location);
    assert_eq!(read.header("location"), location);
    assert_eq!(user["meta"]["version"], read.header("etag"));
    assert_eq!(user["meta"]["resourceType"], "User");
}

#[tokio::test]
async fn a_user_is_replaced_as_a_whole_and_deleted() {
    let app = scim_app().await;
    let user = created(
        &app,
        json!({"userName": "a@example.com", "title": "T", "externalId": "x"}),
    )
    .await;
    let body = json!({"schemas": [super::USER], "id": user["id"], "userName": "a@example.com", "displayName": "A"});
    let replaced = send(&app, "PUT", &path(&user), &body).await;
    assert_eq!(replaced.status, 200, "{replaced:?}");
    let replaced = replaced.json();
    assert_eq!(replaced["displayName"], "A");
    assert!(replaced.get("title").is_none() && replaced.get("externalId").is_none());
    assert_ne!(replaced["meta"]["version"], user["meta"]["version"]);
    assert_eq!(
        send(&app, "DELETE", &path(&user), &Value::Null)
            .await
            .status,
        204
    );
    let gone = get(&app, &path(&user)).await;
    assert_eq!(gone.status, 404);
    refusal(&gone);
    let again = send(&app, "DELETE", &path(&user), &Value::Null).await;
    assert_eq!(again.status, 404);
    // Nothing of it is left to stand in the way of another.
    created(
        &app,
        json!({"userName": "b@example.com", "externalId": "x"}),
    )
    .await;
}

#[tokio::test]
async fn a_change_that_changes_nothing_keeps_the_version() {
    let app = scim_app().await;
    let user = created(&app, json!({"userName": "a@example.com", "title": "T"})).await;
    let operations = json!([{"op": "replace", "path": "title", "value": "T"}]);
    assert_eq!(patched(&app, &user, operations).await, user);
    let body = json!({"schemas": [super::USER], "userName": "a@example.com", "title": "T"});
    let same = send(&app, "PUT", &path(&user), &body).await;
    assert_eq!(same.json(), user);
    // What only providers see is a change too.
    let operations = json!([{"op": "add", "path": "externalId", "value": "x"}]);
    let changed = patched(&app, &user, operations).await;
    assert_ne!(changed["meta"]["version"], user["meta"]["version"]);
    assert_ne!(
        changed["meta"]["lastModified"],
        user["meta"]["lastModified"]
    );
}

#[tokio::test]
async fn versions_are_honoured_as_conditions() {
    let app = scim_app().await;
    let user = created(&app, json!({"userName": "a@example.com"})).await;
    let version = user["meta"]["version"]
        .as_str()
        .expect("a version")
        .to_owned();
    let target = format!("/scim/v2{}", path(&user));
    let known = app
        .send("GET", &target, &[("if-none-match", &version)], "")
        .await;
    assert_eq!(known.status, 304);
    assert_eq!(known.header("etag"), version);
    let body = patch(json!([{"op": "replace", "path": "title", "value": "T"}])).to_string();
    let headers = [
        ("content-type", "application/scim+json"),
        ("if-match", version.as_str()),
    ];
    let first = app.send("PATCH", &target, &headers, &body).await;
    assert_eq!(first.status, 200, "{first:?}");
    let second = app.send("PATCH", &target, &headers, &body).await;
    assert_eq!(second.status, 412);
    refusal(&second);
    let stale = app.send("DELETE", &target, &headers, "").await;
    assert_eq!(stale.status, 412);
}

#[tokio::test]
async fn attributes_are_left_out_as_the_client_asks() {
    let app = scim_app().await;
    let user = created(
        &app,
        json!({"userName": "a@example.com", "title": "T", "name": {"givenName": "A"}}),
    )
    .await;
    let only = get(&app, &format!("{}?attributes=title", path(&user)))
        .await
        .json();
    assert_eq!(only["title"], "T");
    assert!(only.get("userName").is_none() && only.get("meta").is_none());
    assert_eq!(only["id"], user["id"]);
    let without = get(&app, &format!("{}?excludedAttributes=title", path(&user)))
        .await
        .json();
    assert!(without.get("title").is_none());
    assert_eq!(without["userName"], "a@example.com");
}

#[tokio::test]
async fn users_survive_a_restart_and_are_unique() {
    let mut app = scim_app().await;
    let user = created(
        &app,
        json!({"userName": "jdoe", "externalId": "x", "emails": [{"value": "jdoe@example.com"}]}),
    )
    .await;
    app.stop().await;
    let app = crate::test_app::TestApp::start_on(app.database_url(), &["--scim"]).await;
    let read = get(&app, &path(&user)).await.json();
    assert_eq!(read["externalId"], "x");
    for taken in [
        json!({"schemas": [super::USER], "userName": "JDOE", "emails": [{"value": "other@example.com"}]}),
        json!({"schemas": [super::USER], "userName": "other", "externalId": "x"}),
        json!({"schemas": [super::USER], "userName": "jdoe@example.com"}),
    ] {
        let answer = send(&app, "POST", "/Users", &taken).await;
        assert_eq!(answer.status, 409, "{taken}: {answer:?}");
        assert_eq!(refusal(&answer), "uniqueness");
    }
    let other = created(&app, json!({"userName": "other@example.com"})).await;
    let operations = patch(json!([{"op": "replace", "path": "userName", "value": "jdoe"}]));
    let answer = send(&app, "PATCH", &path(&other), &operations).await;
    assert_eq!(
        (answer.status.as_u16(), refusal(&answer).as_str()),
        (409, "uniqueness")
    );
}

#[tokio::test]
async fn what_the_directory_does_not_take_is_an_invalid_value() {
    let app = scim_app().await;
    for body in [
        json!({"schemas": [super::USER], "userName": "a", "title": "t".repeat(101)}),
        json!({"schemas": [super::USER], "userName": "a", "displayName": "\u{0}"}),
        json!({"schemas": [super::USER], "displayName": "no user name"}),
    ] {
        let answer = send(&app, "POST", "/Users", &body).await;
        assert_eq!(
            (answer.status.as_u16(), refusal(&answer).as_str()),
            (400, "invalidValue"),
            "{body}"
        );
    }
}
