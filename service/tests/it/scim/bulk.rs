//! Many changes in one request.

use super::{created, get, path, refusal, scim_app, send, user_names};
use crate::test_app::TestApp;
use serde_json::{Value, json};

#[allow(
    clippy::needless_pass_by_value,
    reason = "every caller makes it in place"
)]
fn bulk(operations: Value) -> Value {
    json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"], "Operations": operations})
}

fn create(name: &str, bulk_id: &str) -> Value {
    json!({"method": "POST", "path": "/Users", "bulkId": bulk_id, "data": {"schemas": [super::USER], "userName": name}})
}

fn statuses(answer: &Value) -> Vec<&str> {
    let operations = answer["Operations"].as_array().expect("Operations");
    operations
        .iter()
        .map(|operation| operation["status"].as_str().expect("a status"))
        .collect()
}

#[tokio::test]
async fn operations_are_answered_one_by_one_in_their_order() {
    let app = scim_app().await;
    let old = created(&app, json!({"userName": "old@example.com"})).await;
    let gone = created(&app, json!({"userName": "gone@example.com"})).await;
    let operations = json!([
        create("a@example.com", "a"),
        create("old@example.com", "taken"),
        {"method": "PATCH", "path": path(&old), "data": super::patch(json!([{"op": "replace", "path": "title", "value": "T"}]))},
        {"method": "delete", "path": path(&gone)},
        {"method": "PUT", "path": "/Users/unknown", "data": {"schemas": [super::USER], "userName": "x"}},
        {"method": "POST", "path": "/Groups", "bulkId": "g", "data": {}},
        {"method": "POST", "path": "/Users", "data": {"schemas": [super::USER], "userName": "without a bulkId"}},
    ]);
    let answer = send(&app, "POST", "/Bulk", &bulk(operations)).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let answer = answer.json();
    assert_eq!(
        statuses(&answer),
        ["201", "409", "200", "204", "404", "404", "400"]
    );
    assert_eq!(answer["Operations"][0]["bulkId"], "a");
    assert_eq!(
        answer["Operations"][1]["response"]["scimType"],
        "uniqueness"
    );
    let location = answer["Operations"][0]["location"]
        .as_str()
        .expect("a location");
    let (_, made) = location.split_once("/scim/v2").expect("a location of ours");
    let read = get(&app, made).await;
    assert_eq!(read.header("etag"), answer["Operations"][0]["version"]);
}

#[tokio::test]
async fn an_operation_may_name_a_user_that_another_one_creates() {
    let app = scim_app().await;
    let mut report = create("report@example.com", "report");
    report["data"][super::ENTERPRISE] = json!({"manager": {"value": "bulkId:boss"}});
    let operations = json!([
        create("boss@example.com", "boss"),
        report,
        {"method": "PATCH", "path": "/Users/bulkId:boss", "data": super::patch(json!([{"op": "replace", "path": "title", "value": "Boss"}]))},
        {"method": "PATCH", "path": "/Users/bulkId:nobody", "data": super::patch(json!([]))},
    ]);
    let answer = send(&app, "POST", "/Bulk", &bulk(operations)).await.json();
    assert_eq!(statuses(&answer), ["201", "201", "200", "400"], "{answer}");
    let page = get(&app, "/Users").await.json();
    assert_eq!(
        user_names(&page),
        ["boss@example.com", "report@example.com"]
    );
    let users = &page["Resources"];
    assert_eq!(
        users[1][super::ENTERPRISE]["manager"]["value"],
        users[0]["id"]
    );
    assert_eq!(users[0]["title"], "Boss");
}

#[tokio::test]
async fn after_as_many_errors_as_the_client_allows_the_rest_is_left() {
    let app = scim_app().await;
    created(&app, json!({"userName": "taken@example.com"})).await;
    let mut body = bulk(json!([
        create("a@example.com", "1"),
        create("taken@example.com", "2"),
        create("taken@example.com", "3"),
        create("b@example.com", "4"),
    ]));
    body["failOnErrors"] = 2.into();
    let answer = send(&app, "POST", "/Bulk", &body).await.json();
    assert_eq!(statuses(&answer), ["201", "409", "409"]);
    assert_eq!(get(&app, "/Users").await.json()["totalResults"], 2);
}

#[tokio::test]
async fn a_thousand_users_are_created_at_once_and_more_are_too_many() {
    let app = scim_app().await;
    let operations: Vec<Value> = (0..1000)
        .map(|n| create(&format!("u{n}@example.com"), &n.to_string()))
        .collect();
    let answer = send(&app, "POST", "/Bulk", &bulk(operations.into())).await;
    assert_eq!(answer.status, 200, "{:?}", answer.status);
    assert!(
        statuses(&answer.json())
            .iter()
            .all(|status| *status == "201")
    );
    assert_eq!(
        get(&app, "/Users?count=1").await.json()["totalResults"],
        1000
    );
    let app = TestApp::start_with(&[
        "--scim",
        "--scim-bulk-operations",
        "1",
        "--scim-bulk-limit-bytes",
        "2048",
    ])
    .await;
    let two = bulk(json!([
        create("a@example.com", "1"),
        create("b@example.com", "2")
    ]));
    let answer = send(&app, "POST", "/Bulk", &two).await;
    assert_eq!(answer.status, 413);
    refusal(&answer);
    let large = bulk(json!([create(&"a".repeat(3000), "1")]));
    assert_eq!(send(&app, "POST", "/Bulk", &large).await.status, 413);
}
