//! What the service says of itself is true of it.

use super::{get, scim_app};
use crate::test_app::TestApp;
use serde_json::json;

#[tokio::test]
async fn the_configuration_says_what_is_supported() {
    let app = TestApp::start_with(&["--scim", "--scim-bulk-operations", "7"]).await;
    let answer = get(&app, "/ServiceProviderConfig").await;
    assert_eq!(answer.status, 200);
    let document = answer.json();
    for feature in ["patch", "bulk", "filter", "sort", "etag"] {
        assert_eq!(document[feature]["supported"], true, "{feature}");
    }
    assert_eq!(document["changePassword"]["supported"], false);
    assert_eq!(document["bulk"]["maxOperations"], 7);
    assert_eq!(document["pagination"]["cursor"], true);
    assert_eq!(document["pagination"]["index"], true);
    assert_eq!(document["filter"]["maxResults"], 200);
    let location = format!("http://{}/scim/v2/ServiceProviderConfig", app.address);
    assert_eq!(document["meta"]["location"], location);
}

#[tokio::test]
async fn schemas_and_resource_types_are_listed_and_read_by_id() {
    let app = scim_app().await;
    for path in ["/Schemas", "/ResourceTypes"] {
        let list = get(&app, path).await.json();
        let documents = list["Resources"].as_array().expect("Resources");
        assert_eq!(list["totalResults"], documents.len());
        for document in documents {
            let id = document["id"].as_str().expect("an id");
            assert_eq!(get(&app, &format!("{path}/{id}")).await.json(), *document);
        }
    }
}

#[tokio::test]
async fn locations_are_those_that_clients_can_reach() {
    let app = TestApp::start_with(&[
        "--scim",
        "--scim-base-url",
        "https://roster.example/scim/v2/",
    ])
    .await;
    let document = get(&app, "/ResourceTypes/User").await.json();
    assert_eq!(
        document["meta"]["location"],
        "https://roster.example/scim/v2/ResourceTypes/User"
    );
    let app = TestApp::start_with(&["--scim", "--trusted-proxies", "127.0.0.0/8"]).await;
    let forwarded = [
        ("x-forwarded-proto", "https"),
        ("x-forwarded-host", "directory.example"),
    ];
    let document = app
        .send("GET", "/scim/v2/ResourceTypes/User", &forwarded, "")
        .await
        .json();
    assert_eq!(
        document["meta"]["location"],
        "https://directory.example/scim/v2/ResourceTypes/User"
    );
    let app = scim_app().await;
    let document = app
        .send("GET", "/scim/v2/ResourceTypes/User", &forwarded, "")
        .await
        .json();
    assert_eq!(
        document["meta"]["location"],
        json!(format!("http://{}/scim/v2/ResourceTypes/User", app.address))
    );
}

#[tokio::test]
async fn the_openapi_document_is_served_where_scim_is() {
    let app = scim_app().await;
    let served = get(&app, "/openapi.json").await;
    assert_eq!(served.status, 200);
    let written: serde_json::Value =
        serde_json::from_str(include_str!("../../../openapi-scim.json")).expect("JSON");
    assert_eq!(served.json(), written);
    let page = app.get("/docs/swagger-initializer.js").await;
    let page = String::from_utf8_lossy(&page.body).into_owned();
    assert!(page.contains("\"/scim/v2/openapi.json\""), "{page}");

    let app = TestApp::start().await;
    let refused = get(&app, "/openapi.json").await;
    assert_eq!(refused.status, 404);
    let page = app.get("/docs/swagger-initializer.js").await;
    let page = String::from_utf8_lossy(&page.body).into_owned();
    assert!(!page.contains("/scim/"), "{page}");
}
