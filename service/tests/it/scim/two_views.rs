//! One user, two views: what `/v1` changes a provider reads, and the other way round; both are in the change feed.

use super::{ENTERPRISE, created, filtered, get, patched, path, scim_app, user_names};
use crate::test_app::JSON;
use serde_json::{Value, json};

#[tokio::test]
async fn a_user_of_v1_is_a_user_of_scim() {
    let app = scim_app().await;
    let body = json!({"email": "ada@example.com", "name": "Ada", "phone": "+15551234567", "department": "Engines", "status": "suspended"});
    let user = app.created(&body).await;
    let read = get(&app, &path(&user)).await.json();
    assert_eq!(read["userName"], "ada@example.com");
    assert_eq!(read["displayName"], "Ada");
    assert_eq!(
        read["emails"],
        json!([{"value": "ada@example.com", "type": "work", "primary": true}])
    );
    assert_eq!(
        read["phoneNumbers"],
        json!([{"value": "+15551234567", "type": "work"}])
    );
    assert_eq!(read["active"], false);
    assert_eq!(read[ENTERPRISE]["department"], "Engines");
    let found = get(
        &app,
        &filtered("emails[type eq \"work\"].value eq \"ada@example.com\""),
    )
    .await
    .json();
    assert_eq!(user_names(&found), ["ada@example.com"]);
    // The first change of a provider keeps all of it.
    let operations = json!([{"op": "add", "path": "name.familyName", "value": "Lovelace"}]);
    let patched = patched(&app, &read, operations).await;
    assert_eq!(patched["phoneNumbers"], read["phoneNumbers"]);
    let v1 = app
        .get(&format!("/v1{}", path(&user).replace("Users", "users")))
        .await
        .json();
    assert_eq!(
        (&v1["email"], &v1["name"], &v1["phone"]),
        (&body["email"], &body["name"], &body["phone"])
    );
}

#[tokio::test]
async fn what_v1_changes_a_provider_reads_and_keeps_its_own() {
    let app = scim_app().await;
    let user = created(&app, json!({
        "userName": "ada@example.com", "displayName": "Ada", "externalId": "e-1", "title": "Analyst",
        "name": {"givenName": "Ada"}, "phoneNumbers": [{"value": "ext. 7", "type": "work"}],
        "emails": [{"value": "ada@example.com", "type": "work", "primary": true}],
        ENTERPRISE: {"employeeNumber": "42"},
    })).await;
    let v1 = format!("/v1{}", path(&user).replace("Users", "users"));
    let merge = [("content-type", "application/merge-patch+json")];
    let change = json!({"email": "countess@example.com", "name": "Countess", "status": "suspended", "title": null});
    let answer = app.send("PATCH", &v1, &merge, &change.to_string()).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let read = get(&app, &path(&user)).await;
    assert_eq!(read.header("etag"), answer.header("etag"));
    let read = read.json();
    assert_eq!(read["userName"], "countess@example.com");
    assert_eq!(read["displayName"], "Countess");
    assert_eq!(read["active"], false);
    assert!(read.get("title").is_none());
    assert_eq!(read["emails"][0]["value"], "countess@example.com");
    for name in ["externalId", "name", "phoneNumbers", ENTERPRISE] {
        assert_eq!(read[name], user[name], "{name}");
    }
    assert_ne!(read["meta"]["lastModified"], user["meta"]["lastModified"]);
    let found = get(&app, &filtered("userName eq \"countess@example.com\""))
        .await
        .json();
    assert_eq!(found["totalResults"], 1);
    let found = get(&app, &filtered("userName eq \"ada@example.com\""))
        .await
        .json();
    assert_eq!(found["totalResults"], 0);
}

#[tokio::test]
async fn every_change_of_a_provider_is_in_the_feed_with_its_user() {
    let app = scim_app().await;
    let user = created(&app, json!({"userName": "ada@example.com"})).await;
    let patched = patched(
        &app,
        &user,
        json!([{"op": "add", "path": "nickName", "value": "x"}]),
    )
    .await;
    assert_eq!(
        patched["meta"]["version"], user["meta"]["version"],
        "what is not declared changes nothing"
    );
    let changed = super::patched(
        &app,
        &user,
        json!([{"op": "add", "path": "externalId", "value": "x"}]),
    )
    .await;
    let suspended = super::patched(
        &app,
        &user,
        json!([{"op": "replace", "value": {"active": false}}]),
    )
    .await;
    assert_eq!(
        super::send(&app, "DELETE", &path(&user), &Value::Null)
            .await
            .status,
        204
    );
    let feed = app.get("/v1/users/changes").await.json();
    let items = feed["items"].as_array().expect("items");
    let kinds: Vec<_> = items
        .iter()
        .map(|item| item["type"].as_str().expect("a type"))
        .collect();
    assert_eq!(kinds, ["created", "updated", "updated", "deleted"]);
    assert_eq!(items[1]["at"], changed["meta"]["lastModified"]);
    assert_eq!(items[2]["user"]["status"], "suspended");
    assert_eq!(items[2]["at"], suspended["meta"]["lastModified"]);
}

#[tokio::test]
async fn what_v1_deletes_is_gone_with_all_that_providers_wrote() {
    let app = scim_app().await;
    let user = created(&app, json!({"userName": "jdoe", "externalId": "x"})).await;
    let v1 = format!("/v1{}", path(&user).replace("Users", "users"));
    assert_eq!(app.send("DELETE", &v1, JSON, "").await.status, 204);
    let rows = app.sql().await;
    let row = rows
        .query_one(
            "SELECT (SELECT count(*) FROM scim_users) + (SELECT count(*) FROM scim_external_ids)",
            &[],
        )
        .await;
    assert_eq!(row.expect("a row").get::<_, i64>(0), 0);
    created(&app, json!({"userName": "jdoe", "externalId": "x"})).await;
}
